"""The stage of the service tests: SQLite and the embedded bus, or what the environment names."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import make_url

from libs.common.bus.factory import open_bus
from libs.common.crypto.keyring import Keyring
from libs.common.db.engine import Database
from libs.common.db.migrations import migrate
from libs.common.settings import SERVICES, ServiceSettings, SharedSettings
from libs.common.testing.stage import Peers, Stage, unique, until
from libs.common.tokens import Signer

Raise = Callable[..., Awaitable[Stage]]


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Where migrated databases are kept to be copied, by service, and a folder of keys."""
    folder = tmp_path_factory.mktemp("templates")
    Keyring.create(folder / "keys/keyring.json")
    for each in (*SERVICES, "gateway"):
        Signer.at(each, folder / "keys")
    return {"folder": folder}


async def _sqlite(service: str, templates: dict[str, Any], folder: Path) -> str:
    if service not in templates:
        path = templates["folder"] / f"{service}.db"
        database = Database(f"sqlite+aiosqlite:///{path}", schema=service)
        await migrate(database, service)
        await database.close()
        templates[service] = path
    shutil.copy(templates[service], folder / f"{service}.db")
    return f"sqlite+aiosqlite:///{folder / f'{service}.db'}"


async def _postgres(service: str, templates: dict[str, Any], server: str) -> str:
    if service not in templates:
        name = unique(f"template_{service}")
        await _sql(server, f'CREATE DATABASE "{name}"')
        database = Database(_at(server, name), schema=service)
        await migrate(database, service)
        await database.close()
        templates[service] = name
    name = unique(service)
    await _sql(server, f'CREATE DATABASE "{name}" TEMPLATE "{templates[service]}"')
    return _at(server, name)


def _at(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


async def _sql(server: str, statement: str) -> None:
    url = make_url(server).set(drivername="postgresql")
    connection = await asyncpg.connect(url.render_as_string(hide_password=False), timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def raise_stage(tmp_path: Path, templates: dict[str, Any]) -> AsyncIterator[Raise]:
    """Put a service on stage: `await raise_stage("users", create_app, UsersSettings)`."""
    server = os.environ.get("TEST_DATABASE_URL")
    bus_url = os.environ.get("TEST_BUS_URL") or f"embedded://{tmp_path / 'bus.db'}"
    async with AsyncExitStack() as stack:

        async def raise_it(
            name: str,
            create_app: Callable[..., FastAPI],
            settings_type: type[ServiceSettings],
            **more: Any,
        ) -> Stage:
            url = (
                await _postgres(name, templates, server)
                if server
                else await _sqlite(name, templates, tmp_path)
            )
            if server:
                stack.push_async_callback(
                    _sql, server, f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)'
                )
            shared = SharedSettings(data_dir=tmp_path, keys_dir=tmp_path / "keys")
            # There is data from the start here, so there must be a keyring.
            shutil.copytree(templates["folder"] / "keys", shared.keys, dirs_exist_ok=True)
            signers = {each: Signer.at(each, shared.keys) for each in (*SERVICES, "gateway")}
            bus = open_bus(bus_url, name=name, prefix=unique("test"))
            peers = Peers()
            settings = settings_type(shared=shared, database_url=SecretStr(url), **more)
            app = create_app(settings, bus=bus, transport=httpx2.MockTransport(peers))
            await bus.start()
            stack.push_async_callback(bus.close)
            await stack.enter_async_context(app.router.lifespan_context(app))
            # On a broker the queue is declared in the background: nothing said before is heard.
            await until(lambda: app.state.service.readiness.is_started)
            return Stage(app, bus, peers, signers["users"], signers)

        yield raise_it
