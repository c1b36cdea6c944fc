"""One migration chain per service, for both databases; the configuration is built here.

`python -m libs.common.db.migrations grievance "add severity"` writes a new revision.
"""

import asyncio
import importlib
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import aiosqlite
from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.common.db.engine import Database, refusals
from libs.common.db.types import Json, RowId, UtcDateTime

LOCK_ID = 7_237_733
"""Any number, as long as all of us take the same: PostgreSQL's advisory lock of one migration."""


class BehindHead(Exception):
    """The database has not had every migration of this program."""


def config_of(service: str) -> Config:
    """Alembic's configuration for one service."""
    package = importlib.import_module(f"services.{service}")
    config = Config()
    config.set_main_option("script_location", str(Path(package.__path__[0]) / "migrations"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
    return config


def run_env(metadata: MetaData) -> None:
    """Body of every service's `migrations/env.py`: runs on the connection it was handed."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()


def _ensure_schema(connection: Connection, name: str) -> None:
    # Looked for first: IF NOT EXISTS asks for the right to create before it looks.
    known = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    if connection.scalar(known, {"name": name}) is None:
        connection.execute(text(f'CREATE SCHEMA "{name}"'))


def _render(kind: str, item: Any, _: object) -> str | Literal[False]:
    """Write our own column types by their names: the revision imports them."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "UtcDateTime()"
    return next((name for name, ours in (("Json", Json), ("RowId", RowId)) if item is ours), False)


async def migrate(database: Database, service: str, *, revision: str = "head") -> None:
    """Bring the schema of `service` to `revision`; safe to run from many places at once."""
    config = config_of(service)
    if database.is_sqlite:
        Path(database.engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)

    def run(connection: Connection) -> None:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_ID})"))
            _ensure_schema(connection, database.schema)
        config.attributes["connection"] = connection
        move = command.downgrade if revision == "base" else command.upgrade
        move(config, revision)

    async with refusals(), database.engine.execution_options(writing=True).connect() as connection:
        if database.is_sqlite:
            await _move_sqlite(connection, run)
        else:
            async with connection.begin():
                await connection.run_sync(run)


async def _move_sqlite(connection: AsyncConnection, run: Callable[[Connection], None]) -> None:
    """A column is changed by making its table anew, which others refer to meanwhile.

    https://www.sqlite.org/lang_altertable.html, section 7. Raises IntegrityError, and changes
    nothing, if a row is left that refers to none.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, aiosqlite.Connection)  # noqa: S101 - of this engine it is
    await driver.execute("PRAGMA foreign_keys=OFF")
    try:
        async with connection.begin():
            await connection.run_sync(run)
            lost = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all()
            if lost:
                raise sqlite3.IntegrityError(f"rows of {lost[0][0]} refer to none")
    finally:
        await driver.execute("PRAGMA foreign_keys=ON")


async def check_head(database: Database, service: str) -> None:
    """Raises BehindHead if the database lacks a migration of this program."""
    wanted = ScriptDirectory.from_config(config_of(service)).get_current_head()

    def current(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    found = await _run_sync(database.engine, current)
    if found != wanted:
        raise BehindHead(
            f"The database of {service} is at {found}, this program needs {wanted}: "
            f"run `python -m services.{service} migrate`."
        )


async def _run_sync(engine: AsyncEngine, work: Any) -> Any:
    async with refusals(), engine.execution_options(writing=True).begin() as connection:
        return await connection.run_sync(work)


async def _write_revision(service: str, message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/{service}.db"
        database = Database(url, schema=service)
        await migrate(database, service)

        def write(connection: Connection) -> None:
            config = config_of(service)
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True)

        await _run_sync(database.engine, write)
        await database.close()


if __name__ == "__main__":
    asyncio.run(_write_revision(sys.argv[1], sys.argv[2]))
