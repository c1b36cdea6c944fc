"""Wrapping again with another key of the keyring, while the services run.

Only what an older key wrapped is touched, row by row and only if it is still what was read: it may
be killed and run again at any moment, and what is destroyed or written meanwhile stays so.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    Update,
    and_,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.crypto.keyring import ServiceKeys, prefix_of
from libs.common.db.base import Ground
from libs.common.db.engine import Database

BATCH = 500


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A column that holds what the keyring wrapped: its table, and the column that names rows."""

    table: Table
    row: str
    value: str

    def aad(self, row: str) -> str:
        """What binds a value to its place."""
        return f"{self.table.name}.{self.value}.{row}"


def wrapped_in(ground: Ground) -> tuple[Wrapped, ...]:
    """What the keyring wraps in every service."""
    return (
        Wrapped(ground.data_keys, "subject", "wrapped"),
        Wrapped(ground.idempotency_keys, "key", "reply"),
    )


async def check(database: Database, keys: ServiceKeys, column: Wrapped) -> None:
    """Raises CannotOpen when this is not the keyring of this data."""
    async with database.read() as session:
        rows = await _page(session, column, "", "", limit=1)
    for row, sealed in rows:
        keys.unwrap(sealed, aad=column.aad(row))


async def left(database: Database, column: Wrapped, kid: str) -> int:
    """How many rows another key than `kid` wrapped."""
    async with database.read() as session:
        query = select(func.count()).select_from(column.table).where(_older(column, kid))
        return int(await session.scalar(query) or 0)


async def rewrap(database: Database, keys: ServiceKeys, column: Wrapped) -> AsyncIterator[int]:
    """Wrap what is left with the active key; yield how many rows each batch was.

    Whoever iterates decides how long the database rests in between.
    """
    after = ""
    while True:
        async with database.read() as session:
            rows = await _page(session, column, keys.active, after, limit=BATCH)
        if not rows:
            return
        # Opened and sealed before the write lock is taken: that is held for the updates alone.
        anew = [
            {"at": row, "old": old, "new": _again(keys, column.aad(row), old)} for row, old in rows
        ]
        async with database.write() as session:
            connection = await session.connection()
            await connection.execute(_replacing(column), anew)
        after = rows[-1][0]
        yield len(rows)


def _again(keys: ServiceKeys, aad: str, old: bytes) -> bytes:
    return keys.wrap(keys.unwrap(old, aad=aad), aad=aad)


def _older(column: Wrapped, kid: str) -> ColumnElement[bool]:
    value = _value(column)
    prefix = prefix_of(kid)
    return and_(value.is_not(None), value != b"", func.substr(value, 1, len(prefix)) != prefix)


async def _page(
    session: AsyncSession, column: Wrapped, kid: str, after: str, *, limit: int
) -> Sequence[tuple[str, bytes]]:
    name, value = column.table.c[column.row], _value(column)
    query = select(name, value).where(name > after, _older(column, kid))
    found = await session.execute(query.order_by(name).limit(limit))
    return [(row, sealed) for row, sealed in found]


def _replacing(column: Wrapped) -> Update:
    """Replace a value if it is still what was read: what was destroyed meanwhile stays so."""
    name, value = column.table.c[column.row], _value(column)
    statement = update(column.table).where(name == bindparam("at"), value == bindparam("old"))
    return statement.values({column.value: bindparam("new")})


def _value(column: Wrapped) -> Column[bytes]:
    return column.table.c[column.value]
