"""One chain per service, on both databases: up to the models, and back."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, func, select

from libs.common.db.engine import Database
from libs.common.db.migrations import BehindHead, _run_sync, check_head, config_of, migrate
from libs.common.settings import SERVICES


@pytest.mark.parametrize("service", SERVICES)
async def test_migrations_reach_the_models_and_come_back(service: str, database_url: str) -> None:
    """S2-15: they run on SQLite and PostgreSQL."""
    database = Database(database_url, schema=service)

    def check(connection: Connection) -> None:
        config = config_of(service)
        config.attributes["connection"] = connection
        command.check(config)

    await migrate(database, service)
    await check_head(database, service)
    await _run_sync(database.engine, check)
    await migrate(database, service, revision="base")
    with pytest.raises(BehindHead, match="migrate"):
        await check_head(database, service)
    await database.close()


SEEDED = "chat_config"
"""A revision gives it its one row."""


def _fill(schema: str | None) -> Callable[[Connection], None]:
    """Give every table that has none a row; what refers to another refers to that one's."""

    def fill(connection: Connection) -> None:
        found = MetaData(schema=schema)
        found.reflect(connection)
        for table in found.sorted_tables:
            if table.name != SEEDED and not connection.scalar(
                select(func.count()).select_from(table)
            ):
                row = {column.name: _value(column) for column in table.columns}
                connection.execute(table.insert().values(row))

    return fill


def _value(column: Column[Any]) -> Any:
    if column.nullable and not column.foreign_keys:
        return None
    at = datetime(2026, 3, 2, tzinfo=UTC)
    made = {bytes: b"x", bool: False, datetime: at, int: 1, str: "1", object: {}}
    return made[column.type.python_type]


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_there_comes_along(service: str, database_url: str) -> None:
    """From each revision to the next with a row in every table, and back again."""
    database = Database(database_url, schema=service)
    schema = None if database.is_sqlite else service
    revisions = list(ScriptDirectory.from_config(config_of(service)).walk_revisions())
    for revision in reversed(revisions):
        await migrate(database, service, revision=revision.revision)
        await _run_sync(database.engine, _fill(schema))

    await check_head(database, service)
    await migrate(database, service, revision="base")
    await database.close()
