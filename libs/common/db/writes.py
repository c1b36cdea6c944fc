"""Hot writes: many rows, one round trip.

A transaction collects the rows it wants inserted and writes them when it ends. PostgreSQL gets one
statement, a chain of data-modifying CTEs, built once per shape (performance.md 4: half the cost of
one statement a row, a quarter of the ORM's); SQLite, where a round trip is a function call, gets
the same rows one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import (
    CursorResult,
    Executable,
    Insert,
    Table,
    bindparam,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

Shape = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row to insert: every column it needs, spelled out; defaults do not apply."""

    table: Table
    values: dict[str, Any]


_shapes: dict[Shape, Executable] = {}


async def changed(session: AsyncSession, statement: Executable) -> int:
    """Run a writing statement; answer how many rows it changed."""
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount


async def insert_new(session: AsyncSession, table: Table, **values: Any) -> bool:
    """Insert a row; False, and nothing changed, when its key exists.

    On PostgreSQL this waits for whoever is inserting the same key to commit or give up.
    """
    is_postgres = session.get_bind().dialect.name == "postgresql"
    insert_into = postgres_insert if is_postgres else sqlite_insert
    statement = insert_into(table).values(**values).on_conflict_do_nothing()
    return bool(await changed(session, statement))


async def insert_rows(session: AsyncSession, rows: Sequence[Row], *, one_statement: bool) -> None:
    """Insert `rows` in order, in one statement where that pays."""
    if not one_statement or len(rows) == 1:
        for row in rows:
            await session.execute(insert(row.table), row.values)
        return
    shape = tuple((row.table.name, tuple(row.values)) for row in rows)
    statement = _shapes.get(shape)
    if statement is None:
        statement = _shapes[shape] = _chain(rows)
    values = {
        f"{n}_{name}": value for n, row in enumerate(rows) for name, value in row.values.items()
    }
    await session.execute(statement, values)


def _chain(rows: Sequence[Row]) -> Executable:
    """`WITH r0 AS (INSERT …), r1 AS (INSERT …) SELECT 1`."""
    ctes = [_one(n, row).cte(f"r{n}") for n, row in enumerate(rows)]
    return select(literal(1)).add_cte(*ctes)


def _one(n: int, row: Row) -> Insert:
    columns = row.table.c
    return insert(row.table).values(
        {name: bindparam(f"{n}_{name}", type_=columns[name].type) for name in row.values}
    )
