"""Who may watch a case: who may read it, unless it is a SEAH case, which nobody watches."""

import httpx2
import pytest

from libs.common.contracts.tasks import TaskClassified
from libs.common.principal import Role, Scope
from libs.common.testing.stage import Stage
from tests.service.grievance.conftest import HARASSED, Filing

OFFICER = Role.GRC_MEMBER


async def ask(
    stage: Stage, grievance_id: str, token: str | None, more: str = ""
) -> httpx2.Response:
    async with stage.peer("gateway", for_token=token) as gateway:
        return await gateway.get(f"/internal/watch/{grievance_id}{more}")


def code(answer: httpx2.Response) -> str:
    return f"{answer.status_code} {answer.json()['error']['code']}"


async def test_whoever_may_read_a_case_may_watch_it(stage: Stage, a_grievance: Filing) -> None:
    """Design 4: `subscribe` asks the owner; security row 38."""
    case = (await a_grievance(place={"municipality": "Birtamod"}))["grievance_id"]
    near, far = (Scope(places=(place,)) for place in ("Birtamod", "Mechinagar"))
    yes = [
        stage.token(Role.GUEST, "guest-1"),
        stage.token(OFFICER),
        stage.token(OFFICER, scope=near),
    ]
    no = [
        stage.token(Role.GUEST, "guest-2"),
        stage.token(OFFICER, scope=far),
        stage.token(Role.API_CLIENT, "key:1"),
        stage.token(Role.SEAH_HQ_OFFICER),
    ]
    let_in = [await ask(stage, case, token) for token in yes]
    kept_out = [await ask(stage, case, token) for token in [*no, None]]

    assert [answer.json()["data"] for answer in let_in] == [{"id": case}] * len(yes)
    assert {code(answer) for answer in kept_out} == {"404 GRIEVANCE_NOT_FOUND"}
    assert code(await ask(stage, "GRV-2026-AAAAAA-1", yes[0])) == "404 GRIEVANCE_NOT_FOUND"
    assert code(await ask(stage, "a%20b", yes[0])).startswith("404 ")


@pytest.mark.parametrize("role", [Role.SEAH_HQ_OFFICER, Role.SUPER_ADMIN, OFFICER, Role.GUEST])
async def test_a_seah_case_is_watched_by_nobody(
    stage: Stage, a_grievance: Filing, role: Role
) -> None:
    """Design 3: never into pushes; who works it, and who filed it, read it."""
    case = (await a_grievance(HARASSED))["grievance_id"]
    answers = [
        await ask(stage, case, stage.token(role, "guest-1" if role is Role.GUEST else None)),
        await ask(stage, case, None, "/summary"),
    ]

    assert {code(answer) for answer in answers} == {"404 GRIEVANCE_NOT_FOUND"}


async def test_the_summary_is_there_for_the_push(stage: Stage, a_grievance: Filing) -> None:
    """S1-10: `classification_complete` carries it, its event does not."""
    case = (await a_grievance())["grievance_id"]
    before = await ask(stage, case, None, "/summary")
    reading = {"language": "en", "categories": ["WATER_SOURCE"], "summary": "Dry.", "engine": "x"}
    stage.peers.answers["GET tasks /internal/tasks/t-1/result"] = reading
    event = TaskClassified(
        grievance_id=case, task_id="t-1", language="en", categories=["WATER_SOURCE"], engine="x"
    )
    await stage.say(event)

    assert before.json()["data"] == {"summary": None}
    assert (await ask(stage, case, None, "/summary")).json()["data"] == {"summary": "Dry."}


async def test_people_do_not_ask_here(stage: Stage, a_grievance: Filing) -> None:
    case = (await a_grievance())["grievance_id"]
    async with stage.client(Role.SUPER_ADMIN) as admin:
        answers = [await admin.get(f"/internal/watch/{case}{more}") for more in ("", "/summary")]

    assert {answer.status_code for answer in answers} == {403}
