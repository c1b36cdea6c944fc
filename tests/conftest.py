import os

import pytest

from libs.common.logging import start_logging

SERVED = {"raise_stage", "database_url"}
"""Fixtures that take the servers the environment names, and do without."""
SERVERS = {"postgres", "rabbit", "redis"}
"""Marks of tests that do not do without."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true")
    parser.addoption("--real", action="store_true", help="only what a server makes a difference to")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--real"):
        return
    others = [item for item in items if not _is_served(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _is_served(item)]


def _is_served(item: pytest.Item) -> bool:
    marks = {mark.name for mark in item.iter_markers()}
    return bool(SERVERS & marks or SERVED & set(getattr(item, "fixturenames", ())))


@pytest.fixture
def update_snapshots(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-snapshots"))


@pytest.fixture(autouse=True, scope="session")
def _logs_as_in_production() -> None:
    start_logging(level="info", form="json")


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    for name in list(os.environ):
        if name.startswith(("REDRESS_", "GRIEVANCE_", "USERS_", "FILES_", "TASKS_", "CHAT_")):
            del os.environ[name]
