"""Six services, one floor plan."""

from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
ROOMS = {
    "__init__.py", "__main__.py", "pyproject.toml", "README.md", "app.py", "app", "settings.py",
    "models.py", "models", "repository.py", "repository", "schemas.py", "schemas", "routes",
    "domain", "events.py", "clients.py", "clients", "migrations", "data",
}  # fmt: skip
ROOMS_OF = {"tasks": {"worker.py", "worker"}, "gateway": {"proxy", "realtime"}}
NAMES = ["chat", "files", "gateway", "grievance", "tasks", "users"]
MAX_LINES = 400


def test_there_are_six_services() -> None:
    assert sorted(path.parent.name for path in SERVICES.glob("*/__init__.py")) == NAMES


@pytest.mark.parametrize("service", NAMES)
def test_no_service_invents_a_room(service: str) -> None:
    rooms = {path.name for path in (SERVICES / service).iterdir() if path.name != "__pycache__"}

    assert rooms <= ROOMS | ROOMS_OF.get(service, set())


@pytest.mark.parametrize("service", NAMES)
def test_every_service_says_what_it_owns(service: str) -> None:
    folder = SERVICES / service

    assert (folder / "__init__.py").read_text().startswith('"""')
    assert (folder / "README.md").exists()


def test_no_file_is_too_long_to_be_read() -> None:
    code = [*SERVICES.rglob("*.py"), *(SERVICES.parent / "libs").rglob("*.py")]

    long = {str(path): n for path in code if (n := len(path.read_text().splitlines())) > MAX_LINES}

    assert not long
