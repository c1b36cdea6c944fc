from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.app import create_app
from services.users.settings import UsersSettings

PHONE = "9812345678"
NAME = "Sita Sharma"

Appointing = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def stage(raise_stage: Callable[..., Awaitable[Stage]]) -> Stage:
    return await raise_stage("users", create_app, UsersSettings, argon_memory_kib=64)


@pytest.fixture
def a_user(stage: Stage) -> Appointing:
    """Appoint somebody through the door; say only what matters."""

    async def appoint(
        role: str = "intake_officer", *, phone: str = PHONE, name: str = NAME, **more: Any
    ) -> dict[str, Any]:
        body = {"phone_number": phone, "name": name, "role": role, **more}
        answer = await stage.client(Role.SUPER_ADMIN).post("/api/v1/users", json=body)
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    return appoint


def shares_a_case(stage: Stage, user_id: int, *, restricted: bool = False) -> None:
    """What grievance answers when the caller may see a case of this person."""
    stage.peers.answers[_access(user_id)] = {"is_restricted": restricted}


def shares_no_case(stage: Stage, user_id: int) -> None:
    """What grievance answers when the caller may see none."""
    error = {"code": "GRIEVANCE_NOT_FOUND", "message": "There is no such grievance."}
    stage.peers.answers[_access(user_id)] = httpx2.Response(
        404, json={"status": "error", "error": error}
    )


def _access(user_id: int) -> str:
    return f"GET grievance /internal/persons/{user_id}/access"
