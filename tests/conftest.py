import os

import pytest

from libs.common.logging import start_logging


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true")


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
