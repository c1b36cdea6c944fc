"""Hot writes: many rows, one round trip.

A transaction collects the rows it wants inserted and writes them when it ends. PostgreSQL gets one
statement, a chain of data-modifying CTEs, built once per shape (performance.md 4: half the cost of
one statement a row, a quarter of the ORM's); SQLite, where a round trip is a function call, gets
the same rows in their order, those alike in one step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
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

Shape = tuple[tuple[str, tuple[str, ...], int], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row to insert: every column it needs, spelled out; defaults do not apply."""

    table: Table
    values: dict[str, Any]


Groups = dict[tuple[Table, tuple[str, ...]], list[Row]]

_shapes: dict[Shape, Executable] = {}


async def changed(session: AsyncSession, statement: Executable) -> int:
    """Run a writing statement; answer how many rows it changed."""
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount


async def insert_new(session: AsyncSession, table: Table, **values: Any) -> bool:
    """Insert a row; False, and nothing changed, when its key exists.

    On PostgreSQL this waits for whoever is inserting the same key to commit or give up.
    """
    is_postgres = session.get_bind().dialect.name == "postgresql"
    statement = _unless_there(table, is_postgres=is_postgres)
    result = await session.execute(statement, values)
    return bool(cast("CursorResult[Any]", result).rowcount)


@cache
def _unless_there(table: Table, *, is_postgres: bool) -> Executable:
    # Building a statement costs more than running it: these are built once.
    insert_into = postgres_insert if is_postgres else sqlite_insert
    return insert_into(table).on_conflict_do_nothing()


@cache
def _one_row(table: Table) -> Insert:
    return insert(table)


async def insert_rows(session: AsyncSession, rows: Sequence[Row], *, one_statement: bool) -> None:
    """Insert `rows`, in one statement where that pays.

    Rows of one table with the same columns keep their order, and so the numbers they are given:
    they are one INSERT of many values. PostgreSQL runs the INSERTs of a chain in any order.
    """
    if not one_statement or len(rows) == 1:
        for (table, _), alike in groupby(rows, key=_shape):
            await session.execute(_one_row(table), [row.values for row in alike])
        return
    groups = _grouped(rows)
    shape = tuple((table.name, columns, len(same)) for (table, columns), same in groups.items())
    statement = _shapes.get(shape)
    if statement is None:
        statement = _shapes[shape] = _chain(groups)
    await session.execute(statement, _values(groups))


def _grouped(rows: Sequence[Row]) -> Groups:
    groups: Groups = {}
    for row in rows:
        groups.setdefault(_shape(row), []).append(row)
    return groups


def _shape(row: Row) -> tuple[Table, tuple[str, ...]]:
    return row.table, tuple(row.values)


def _values(groups: Groups) -> dict[str, Any]:
    return {
        f"{group}_{n}_{name}": value
        for group, rows in enumerate(groups.values())
        for n, row in enumerate(rows)
        for name, value in row.values.items()
    }


def _chain(groups: Groups) -> Executable:
    """`WITH r0 AS (INSERT …), r1 AS (INSERT …) SELECT 1`."""
    ctes = [
        _insert(group, table, columns, len(rows)).cte(f"r{group}")
        for group, ((table, columns), rows) in enumerate(groups.items())
    ]
    return select(literal(1)).add_cte(*ctes)


def _insert(group: int, table: Table, columns: tuple[str, ...], count: int) -> Insert:
    return insert(table).values(
        [
            {name: bindparam(f"{group}_{n}_{name}", type_=table.c[name].type) for name in columns}
            for n in range(count)
        ]
    )
