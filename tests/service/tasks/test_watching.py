"""Who may watch a task: who may read the ledger, and nobody a task of a SEAH case."""

import httpx2
import pytest

from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.tasks.conftest import a_case, has_text, only_task, shows


async def ask(stage: Stage, task_id: str, token: str | None) -> httpx2.Response:
    async with stage.peer("gateway", for_token=token) as gateway:
        return await gateway.get(f"/internal/watch/{task_id}")


def code(answer: httpx2.Response) -> str:
    return f"{answer.status_code} {answer.json()['error']['code']}"


@pytest.fixture
async def task_id(stage: Stage) -> str:
    has_text(stage, "No water in ward 5.")
    await stage.say(a_case())
    shows(stage, "grievance/GRV-2026-7K3MQX-4")
    return (await only_task(stage)).task_id


async def test_a_task_is_watched_by_who_may_read_it(stage: Stage, task_id: str) -> None:
    """Security row 38: `task_status` reaches nobody else."""
    let_in = await ask(stage, task_id, stage.token(Role.INTAKE_OFFICER))
    others = [
        stage.token(Role.GUEST),
        stage.token(Role.CITIZEN),
        stage.token(Role.API_CLIENT),
        None,
    ]

    assert let_in.json()["data"] == {"id": task_id}
    assert {code(await ask(stage, task_id, token)) for token in others} == {"404 TASK_NOT_FOUND"}
    assert code(await ask(stage, "none", stage.token(Role.SUPER_ADMIN))) == "404 TASK_NOT_FOUND"


@pytest.mark.parametrize("role", [Role.SUPER_ADMIN, Role.SEAH_HQ_OFFICER])
async def test_a_task_of_a_seah_case_is_watched_by_nobody(stage: Stage, role: Role) -> None:
    has_text(stage, "x")
    await stage.say(a_case(), restricted=True)
    task = await only_task(stage)

    assert code(await ask(stage, task.task_id, stage.token(role))) == "404 TASK_NOT_FOUND"
