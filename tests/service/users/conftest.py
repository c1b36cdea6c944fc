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
    stage = await raise_stage("users", create_app, UsersSettings, argon_memory_kib=64)
    keeps_apart(stage)
    return stage


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
    _shared(stage)[user_id] = restricted


def shares_no_case(stage: Stage, user_id: int) -> None:
    """What grievance answers when the caller may see none."""
    _shared(stage).pop(user_id, None)


def keeps_apart(stage: Stage, *user_ids: int) -> None:
    """What grievance answers when these have SEAH cases and no others."""
    answer = {"kept_apart": list(user_ids)}
    stage.peers.answers["GET grievance /internal/persons/kept-apart"] = answer


class _Shared(dict[int, bool]):
    """People the caller shares a case with, and whether it is a restricted one."""

    def __call__(self, request: httpx2.Request) -> dict[str, Any]:
        """What grievance answers."""
        params = request.url.params
        asked = {int(each) for each in (*params.get_list("citizen"), *params.get_list("staff"))}
        found = [{"user_id": each, "is_restricted": self[each]} for each in asked & self.keys()]
        return {"seen": found}


def _shared(stage: Stage) -> _Shared:
    answers = stage.peers.answers
    found: _Shared = answers.setdefault("GET grievance /internal/persons/access", _Shared())
    return found
