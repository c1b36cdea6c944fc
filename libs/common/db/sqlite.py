"""A statement to SQLite in one step to its thread and back, instead of four.

aiosqlite runs each connection in a thread of its own, and SQLAlchemy's adapter goes there to open a
cursor, to execute, to fetch and to close. Each way there and back wakes two threads, so this
connection does all four in one.
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from typing import Any, Self

import aiosqlite

SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
"""What is deleted is overwritten: a key that was destroyed lies in no free page."""

LOG_SECONDS = 2.0
REST_SECONDS = 1.0


def empty_log(path: str) -> None:
    """Write the log back into the database at `path`, and cut it off."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=LOG_SECONDS)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that hands out cursors which travel once a statement."""

    def cursor(self) -> "Cursor":  # type: ignore[override]
        return Cursor(self)

    async def let_go(self) -> None:
        """Close it, whoever has lost it, and wait until its thread is at rest."""
        await self.close()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, REST_SECONDS)

    async def create_function(self, *_: Any, **__: Any) -> None:
        """Take none.

        SQLAlchemy offers REGEXP and FLOOR to each new connection, and loses the one whose first
        user stops waiting meanwhile. Nothing here asks for them.
        """


class Cursor:
    """What SQLAlchemy's adapter needs of a cursor; the rows come with the execution."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Self:
        """Run a statement and bring everything back."""
        await self._connection._execute(self._run, sql, parameters)  # type: ignore[no-untyped-call]  # noqa: SLF001
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Self:
        """Run a statement once for each of `parameters`."""
        await self._connection._execute(self._run_many, sql, parameters)  # type: ignore[no-untyped-call]  # noqa: SLF001
        return self

    async def fetchall(self) -> list[Any]:
        """The rows, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is open any more."""

    def _run(self, sql: str, parameters: Iterable[Any]) -> None:
        self._take(self._connection._conn.execute(sql, parameters))  # type: ignore[arg-type]  # noqa: SLF001

    def _run_many(self, sql: str, parameters: Iterable[Iterable[Any]]) -> None:
        self._take(self._connection._conn.executemany(sql, parameters))  # type: ignore[arg-type]  # noqa: SLF001

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self._rows = cursor.fetchall() if cursor.description else []
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid
        cursor.close()


def connect(database: str, **options: Any) -> Connection:
    """Open a connection; what `aiosqlite.connect` does, with our cursors and our settings.

    It is one step for who waits: who stops waiting half way leaves nothing open.
    """

    def opened() -> sqlite3.Connection:
        try:
            made: sqlite3.Connection = sqlite3.connect(database, **options)
            try:
                for setting in SETTINGS:
                    made.execute(f"PRAGMA {setting}")
            except BaseException:
                made.close()
                raise
        except sqlite3.DatabaseError as error:
            raise sqlite3.OperationalError(f"{database}: {error}") from None
        return made

    connection = Connection(opened, iter_chunk_size=64)
    connection._thread.daemon = True  # noqa: SLF001 - a forgotten connection must not hold the exit
    return connection
