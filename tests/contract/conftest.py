"""What contract tests share: databases of both kinds, and every service's app."""

import importlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import make_url

from libs.common.bus.factory import open_bus
from libs.common.crypto.keyring import Keyring
from libs.common.settings import SERVICES, ServiceSettings, SharedSettings
from libs.common.testing.stage import unique
from tests.service.conftest import _sql

MakeDatabase = Callable[[str], Any]


@pytest.fixture
async def database_url(tmp_path: Path) -> AsyncIterator[str]:
    """An empty database: SQLite, or PostgreSQL where the environment names one."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        yield f"sqlite+aiosqlite:///{tmp_path}/empty.db"
        return
    name = unique("empty")
    await _sql(server, f'CREATE DATABASE "{name}"')
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    await _sql(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def build(tmp_path: Path) -> Callable[[str], FastAPI]:
    """Build a service's app without starting it: to look at its routes and documents."""
    shared = SharedSettings(data_dir=tmp_path, keys_dir=tmp_path / "keys")
    Keyring.create(shared.keys / "keyring.json")

    def make(name: str) -> FastAPI:
        assert name in SERVICES
        app = importlib.import_module(f"services.{name}.app")
        settings: type[ServiceSettings] = getattr(
            importlib.import_module(f"services.{name}.settings"), f"{name.capitalize()}Settings"
        )
        bus = open_bus(f"embedded://{tmp_path / 'bus.db'}", name=name)
        built: FastAPI = app.create_app(settings(shared=shared), bus=bus)
        return built

    return make
