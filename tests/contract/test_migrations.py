"""One chain per service, on both databases: up to the models, and back."""

import pytest
from alembic import command
from sqlalchemy import Connection

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
