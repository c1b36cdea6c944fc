"""The ledger over HTTP."""

import asyncio

import httpx2
import pytest

from libs.common.contracts.files import FileReceived
from libs.common.contracts.tasks import TaskCancelled
from libs.common.contracts.users import UserLinked
from libs.common.db.writes import changed
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.tasks.models import GROUND, State
from tests.service.tasks.conftest import (
    RaiseTasks,
    a_case,
    has_text,
    raised,
    shows,
    tasks_of,
    until_state,
)


@pytest.fixture
async def idle(raise_stage: RaiseTasks) -> Stage:
    """A tasks service whose lanes nobody works."""
    return await raised(raise_stage, lanes=())


async def put_on_ledger(stage: Stage, count: int = 1) -> list[str]:
    for number in range(count):
        await stage.say(a_case(f"GRV-{number}"))
        shows(stage, f"grievance/GRV-{number}")
    return [task.task_id for task in await tasks_of(stage)]


async def test_administrators_list_tasks_page_by_page(idle: Stage) -> None:
    """S1-25, S1-26."""
    ids = await put_on_ledger(idle, 5)
    found: list[str] = []
    cursor: dict[str, str] = {}
    async with idle.client(Role.COUNTRY_ADMIN) as admin:
        while True:
            answer = await admin.get("/api/v1/tasks/", params={"limit": "2", **cursor})
            page = answer.json()["data"]
            found += [item["task_id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}

    assert found == ids[::-1]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=PENDING", 1),
        ("status=pending", 1),
        ("status=SUCCESS", 0),
        ("task_name=classify_and_summarize_grievance", 1),
        ("task_name=process_file", 0),
    ],
)
async def test_a_list_is_narrowed_down(idle: Stage, query: str, count: int) -> None:
    await put_on_ledger(idle)
    async with idle.client(Role.COUNTRY_ADMIN) as admin:
        answer = await admin.get(f"/api/v1/tasks?{query}")

    assert len(answer.json()["data"]["items"]) == count


@pytest.mark.parametrize(
    "query",
    ["status=DONE", "limit=0", "limit=101", "cursor=x", "what=1", "task_name=%2B", "wait=1"],
)
async def test_what_is_no_filter_is_refused(idle: Stage, query: str) -> None:
    async with idle.client(Role.COUNTRY_ADMIN) as admin:
        assert (await admin.get(f"/api/v1/tasks?{query}")).status_code == 422


async def test_a_task_shows_nothing_of_the_case(idle: Stage) -> None:
    [task_id] = await put_on_ledger(idle)
    async with idle.client(Role.INTAKE_OFFICER) as officer:
        answer = await officer.get(f"/api/v1/tasks/{task_id}")

    assert answer.json()["data"]["status_code"] == "PENDING"
    assert "GRV-0" not in answer.text


async def test_waiting_for_a_task_ends_when_it_does(stage: Stage) -> None:
    """S1-24: get(timeout)."""
    await stage.say(a_case())
    shows(stage, "grievance/GRV-2026-7K3MQX-4")
    task = (await tasks_of(stage))[0]
    async with stage.client(Role.INTAKE_OFFICER) as officer, asyncio.timeout(8):
        path = f"/api/v1/tasks/{task.task_id}"
        early = await officer.get(path, params={"wait": "0.3"})
        waiting = asyncio.create_task(officer.get(path, params={"wait": "7"}))
        async with stage.client(Role.PROJECT_ADMIN) as admin:
            await admin.post(f"{path}/cancel")
        found = (await waiting).json()["data"]

    assert early.json()["data"]["status_code"] in {"PENDING", "STARTED", "RETRY"}
    assert found["status_code"] == "REVOKED"


async def test_a_cancelled_task_is_not_done_until_it_is_retried(idle: Stage) -> None:
    [task_id] = await put_on_ledger(idle)
    path = f"/api/v1/tasks/{task_id}"
    async with idle.client(Role.PROJECT_ADMIN) as admin:
        cancelled = await admin.post(f"{path}/cancel")
        again = await admin.post(f"{path}/cancel")
        retried = await admin.post(f"{path}/retry")
        twice = await admin.post(f"{path}/retry")

    assert cancelled.json()["data"]["status_code"] == "REVOKED"
    assert (again.status_code, again.json()["error"]["code"]) == (409, "TASK_FINISHED")
    assert retried.json()["data"]["status_code"] == "PENDING"
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "TASK_NOT_RETRYABLE")
    assert [fact.task_id for fact in await idle.said(TaskCancelled)] == [task_id]


async def test_stats_count_what_may_be_seen(idle: Stage) -> None:
    await put_on_ledger(idle, 2)
    await idle.say(a_case("GRV-SEAH"), restricted=True)
    async with idle.client(Role.COUNTRY_ADMIN) as admin:
        found = (await admin.get("/api/v1/tasks/stats")).json()["data"]

    assert found["counts"] == {"PENDING": 2}
    kinds = {kind["task_name"]: kind for kind in found["kinds"]}
    reading = kinds["classify_and_summarize_grievance"]
    assert (reading["lane"], reading["retries"]) == ("llm", 3)
    assert kinds["process_file"]["counts"] == {}
    assert kinds["send_otp"]["lane"] == "notifications"


@pytest.mark.parametrize("role", [Role.INTAKE_OFFICER, Role.SUPER_ADMIN, Role.SEAH_HQ_OFFICER])
async def test_tasks_of_a_seah_case_are_invisible(idle: Stage, role: Role) -> None:
    """design.md 5.7: to every role, on every public route."""
    await idle.say(a_case("GRV-SEAH"), restricted=True)
    await idle.say(
        FileReceived(file_id="f1", grievance_id="GRV-SEAH", file_type="image"), restricted=True
    )
    tasks = await tasks_of(idle)
    assert len(tasks) == 2
    async with idle.client(role) as client:
        if role is Role.SUPER_ADMIN:
            assert (await client.get("/api/v1/tasks")).json()["data"]["items"] == []
            assert (await client.get("/api/v1/tasks/stats")).json()["data"]["counts"] == {}
        for task in tasks:
            answers = [await client.get(f"/api/v1/tasks/{task.task_id}")]
            if role is Role.SUPER_ADMIN:
                answers.append(await client.post(f"/api/v1/tasks/{task.task_id}/cancel"))
                answers.append(await client.post(f"/api/v1/tasks/{task.task_id}/retry"))
            assert {answer.status_code for answer in answers} == {404}
    assert {task.status_code for task in await tasks_of(idle)} == {"PENDING"}


@pytest.mark.parametrize("task_id", ["none", "%00", "a" * 51, "फोटो"])
async def test_what_is_no_task_is_not_found(idle: Stage, task_id: str) -> None:
    async with idle.client(Role.PROJECT_ADMIN) as admin:
        path = f"/api/v1/tasks/{task_id}"
        answers = [await admin.get(path), await admin.post(f"{path}/cancel")]

    assert {answer.status_code for answer in answers} == {404}


async def test_each_door_has_its_callers(idle: Stage) -> None:
    [task_id] = await put_on_ledger(idle)
    path = f"/api/v1/tasks/{task_id}"
    async with idle.client(Role.CITIZEN) as citizen, idle.client(Role.INTAKE_OFFICER) as officer:
        assert (await citizen.get("/api/v1/tasks")).status_code == 403
        assert (await citizen.get(path)).status_code == 403
        assert (await officer.get("/api/v1/tasks")).status_code == 403
        assert (await officer.get("/api/v1/tasks/stats")).status_code == 403
        assert (await officer.post(f"{path}/cancel")).status_code == 403
        assert (await officer.get(f"/internal/tasks/{task_id}/result")).status_code == 403
    async with idle.client() as nobody, idle.peer("grievance") as peer:
        assert (await nobody.get("/api/v1/tasks")).status_code == 401
        assert (await peer.get(f"/internal/tasks/{task_id}")).status_code == 200
        assert (await peer.get(f"/internal/tasks/{task_id}/result")).status_code == 404
        assert (await peer.get("/internal/tasks/none")).status_code == 404


@pytest.mark.parametrize("role", [Role.INTAKE_OFFICER, Role.AUDITOR, Role.PROJECT_ADMIN])
async def test_a_task_is_there_for_who_may_see_what_it_is_about(idle: Stage, role: Role) -> None:
    """Issue 4, row scope: the owner of the case or file says it, for this caller."""
    [shown] = await put_on_ledger(idle)
    await idle.say(FileReceived(file_id="f1", grievance_id="GRV-0", file_type="image"))
    [hidden] = {task.task_id for task in await tasks_of(idle)} - {shown}
    idle.peers.answers["GET files /internal/watch/f1"] = httpx2.Response(
        404, json={"status": "error", "error": {"code": "FILE_NOT_FOUND", "message": "No."}}
    )
    async with idle.client(role) as client:
        seen = await client.get(f"/api/v1/tasks/{shown}")
        unseen = await client.get(f"/api/v1/tasks/{hidden}")
        cancelled = await client.post(f"/api/v1/tasks/{hidden}/cancel")

    assert (seen.status_code, unseen.status_code) == (200, 404)
    assert cancelled.status_code == (404 if role is Role.PROJECT_ADMIN else 403)
    asked = [request for request in idle.peers.asked if request.url.path.endswith("/f1")]
    assert asked
    assert {bool(request.headers["x-on-behalf-of"]) for request in asked} == {True}


async def test_a_super_admin_sees_tasks_when_their_owners_are_away(idle: Stage) -> None:
    [task_id] = await put_on_ledger(idle)
    idle.peers.answers.clear()
    async with idle.client(Role.SUPER_ADMIN) as admin, idle.client(Role.GRC_CHAIR) as chair:
        path = f"/api/v1/tasks/{task_id}"
        assert (await admin.get(path)).status_code == 200
        assert (await chair.get(path)).status_code == 503


async def test_a_reading_is_gone_when_the_case_is_erased(stage: Stage) -> None:
    """design.md 3, keys: destroying the case's key leaves nothing to read."""
    has_text(stage, "The tap has been dry for three days.")
    await stage.say(a_case())
    task = await until_state(stage, State.SUCCESS)
    await stage.say(UserLinked(grievance_id="GRV-2026-7K3MQX-4", user_id=7))
    keys = GROUND.data_keys
    async with stage.uow.begin() as tx:
        await tx.session.execute(keys.delete().where(keys.c.user_id == 7))

    async with stage.peer("grievance") as peer:
        answer = await peer.get(f"/internal/tasks/{task.task_id}/result")
    assert answer.status_code == 404


async def test_a_reading_can_be_erased_though_the_person_was_known_first(stage: Stage) -> None:
    has_text(stage, "The tap has been dry for three days.")
    await stage.say(UserLinked(grievance_id="GRV-2026-7K3MQX-4", user_id=7))
    await stage.say(a_case())
    await until_state(stage, State.SUCCESS)

    keys = GROUND.data_keys
    async with stage.uow.begin() as tx:
        assert await changed(tx.session, keys.delete().where(keys.c.user_id == 7)) == 1
