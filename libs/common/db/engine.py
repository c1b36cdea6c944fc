"""Engines that do not surprise: what each database needs to keep its promises.

SQLite: WAL, synchronous=FULL, foreign keys, and BEGIN IMMEDIATE on writes behind one lock, because
its own queue of writers is unfair and its deferred transactions lose updates in silence.
PostgreSQL: a search_path per service, and an end to every wait: connect, lock, statement, pool.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InvalidRequestError,
    TimeoutError as PoolTimeout,
)
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from libs.common.db import sqlite
from libs.common.errors import Unavailable

CONNECT_SECONDS = 3
LOCK_MILLIS = 4_000
STATEMENT_MILLIS = 5_000
COMMAND_SECONDS = 6
POOL_WAIT_SECONDS = 1
UNIT_SECONDS = 8
CLOSE_SECONDS = 5
_NO_TEXT = "Could not decode to UTF-8"
"""What SQLite says of a value that is there, and will be the next time."""


class DatabaseUnavailable(Unavailable):
    """The database did not answer, or not in time. What was asked may or may not have happened."""

    code = "DATABASE_UNAVAILABLE"


class Database:
    """One service's database: where its sessions come from. Raises DatabaseUnavailable."""

    def __init__(self, url: str, *, schema: str, pool_size: int = 20) -> None:
        self.url = url
        self.schema = schema
        self._opened: WeakSet[sqlite.Connection] = WeakSet()
        try:
            self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
            self.engine = (
                _sqlite(url, self._opened) if self.is_sqlite else _postgres(url, schema, pool_size)
            )
        except (ArgumentError, InvalidRequestError, ImportError, ValueError):
            raise DatabaseUnavailable(  # the URL is not told: there may be a password in it
                f"The URL of the database of {schema} is none this program can use."
            ) from None
        self._reading = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        writing = self.engine.execution_options(writing=True)
        self._writing = async_sessionmaker(writing, expire_on_commit=False)
        self._write_lock = asyncio.Lock()

    @property
    def place(self) -> str:
        """Where it is, for whoever operates it: a path, or a URL without its password."""
        return (self.engine.url.database if self.is_sqlite else None) or str(self.engine.url)

    @property
    def file(self) -> Path | None:
        """The file it is in, which SQLite makes when it is opened; none where a server has it."""
        return Path(self.place) if self.is_sqlite else None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction that may write; leaving the block commits."""
        async with refusals(), asyncio.timeout(UNIT_SECONDS):
            if not self.is_sqlite:
                async with self._writing() as session, session.begin():
                    yield session
                return
            async with self._write_lock, self._writing() as session, session.begin():
                yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads."""
        async with refusals(), asyncio.timeout(UNIT_SECONDS), self._reading() as session:
            yield session

    async def overwrite_log(self) -> None:
        """Leave nothing of what was destroyed in the log beside an SQLite file.

        A reader in the middle of something holds it up; that is tried for a moment, not for ever.
        """
        if self.is_sqlite:
            path = make_url(self.url).database or ""
            async with self._write_lock:
                await asyncio.to_thread(sqlite.empty_log, path)

    async def ping(self) -> None:
        """Answer if the database does; raise DatabaseUnavailable if not."""
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Let go of every connection, also of those the pool lost because their user left."""
        await self.engine.dispose()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for left in list(self._opened):
                    await left.let_go()


@asynccontextmanager
async def refusals() -> AsyncIterator[None]:
    """Turn a database that is away, slow or full into one refusal."""
    try:
        yield
    except (TimeoutError, PoolTimeout, OSError) as error:
        raise DatabaseUnavailable("The database did not answer in time.") from error
    except DBAPIError as error:
        if _NO_TEXT in str(error.orig):
            raise ValueError("What lies there is no text.") from error
        if _is_outage(error):
            raise DatabaseUnavailable("The database is not available.") from error
        raise


def _is_outage(error: DBAPIError) -> bool:
    """Whether it is the database's state and not our statement: sending it again may help."""
    if error.connection_invalidated:
        return True
    name = type(error.orig.__cause__ or error.orig).__name__ if error.orig else ""
    code = str(getattr(error.orig, "sqlstate", None) or "")
    # 08 connection, 28 role, 3D name, 40 rollback (deadlock, serialization), 53 resources,
    # 55P03 lock, 57 operator
    return (
        code[:2] in {"08", "28", "3D", "40", "53", "57"}
        or code == "55P03"
        or name == "OperationalError"
    )


def _sqlite(url: str, opened: WeakSet[sqlite.Connection]) -> AsyncEngine:
    def connect(*given: Any, **options: Any) -> sqlite.Connection:
        connection = sqlite.connect(*given, **options)
        opened.add(connection)
        return connection

    engine = create_async_engine(
        url,
        connect_args={"isolation_level": None, "timeout": 5, "async_creator_fn": connect},
        pool_size=5,
        max_overflow=0,
        pool_reset_on_return=None,  # every session ends its own transaction
        pool_timeout=POOL_WAIT_SECONDS * 5,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgres(url: str, schema: str, pool_size: int) -> AsyncEngine:
    server: dict[str, Any] = {
        "application_name": f"redress-{schema}",
        "search_path": schema,
        "lock_timeout": str(LOCK_MILLIS),
        "statement_timeout": str(STATEMENT_MILLIS),
        "idle_in_transaction_session_timeout": "15000",
        "timezone": "UTC",
        "jit": "off",
    }
    return create_async_engine(
        url,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": COMMAND_SECONDS,
            "server_settings": server,
        },
        pool_size=max(1, pool_size // 2),
        max_overflow=pool_size - max(1, pool_size // 2),
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
    )
