"""Issue 4, must show 5, within files: the files of somebody erased go, bytes and all."""

from pathlib import Path

from libs.common.contracts.files import FileDeleted
from libs.common.contracts.grievance import GrievanceErased
from libs.common.contracts.tasks import TaskFileProcessed
from libs.common.contracts.users import UserErased
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.files.conftest import a_picture, form_of, lets_in, upload

OWNER = "user:12"
CASE = "GRV-2026-7K3MQX-4"


def lying(stage: Stage) -> list[Path]:
    folder = stage.service.settings.shared.data_dir / "uploads"
    return [path for path in folder.rglob("*") if path.is_file()]


async def keys(stage: Stage) -> set[str]:
    table = stage.uow.ground.data_keys
    async with stage.uow.read() as tx:
        rows = await tx.session.execute(table.select())
        return {row.subject for row in rows if row.wrapped}


async def test_the_files_somebody_erased_sent_are_gone(stage: Stage) -> None:
    client = stage.client(Role.CITIZEN, OWNER)
    file_id = await upload(client)
    other = await upload(stage.client(Role.CITIZEN, "user:99"))

    await stage.say(UserErased(user_id=12), source="users")

    assert (await client.get(f"/api/v1/files/{file_id}")).status_code == 404
    assert [path.stem for path in lying(stage)] == [other]
    assert await keys(stage) >= {f"file:{other}"}
    assert f"file:{file_id}" not in await keys(stage)
    assert [fact.file_id for fact in await stage.said(FileDeleted)] == [file_id]


async def test_the_files_of_a_case_of_nobody_are_gone_whoever_sent_them(stage: Stage) -> None:
    lets_in(stage, CASE, "guest")
    await upload(stage.client(Role.GUEST, "guest:1"), grievance_id=CASE)

    await stage.say(GrievanceErased(grievance_id=CASE), source="grievance")

    assert lying(stage) == []


async def test_a_verdict_that_comes_late_brings_nothing_back(stage: Stage) -> None:
    file_id = await upload(stage.client(Role.CITIZEN, OWNER))
    await stage.say(UserErased(user_id=12), source="users")

    late = TaskFileProcessed(file_id=file_id, task_id="t-1", outcome="ready")
    await stage.say(late, source="tasks")

    assert lying(stage) == []


async def test_whoever_was_erased_a_moment_ago_sends_nothing(stage: Stage) -> None:
    await stage.say(UserErased(user_id=12), source="users")

    client = stage.client(Role.CITIZEN, OWNER)
    answer = await client.post("/api/v1/files", **form_of(a_picture()))

    assert answer.status_code == 410
    assert lying(stage) == []


async def test_what_is_held_on_somebody_is_named_as_they_named_it(stage: Stage) -> None:
    """S4-18."""
    file_id = await upload(stage.client(Role.CITIZEN, OWNER))

    answer = await stage.peer("tasks").get("/internal/people/12/export")

    [held] = answer.json()["data"]["held"]["files"]
    assert (held["file_id"], held["file_name"]) == (file_id, "photo.jpg")


async def test_what_staff_sent_to_the_case_of_another_outlives_the_staff(stage: Stage) -> None:
    """Issue 4: evidence goes with its case, and not with the officer who took the photo."""
    lets_in(stage, CASE, Role.INTAKE_OFFICER)
    officer = stage.client(Role.INTAKE_OFFICER, OWNER)
    evidence = await upload(officer, grievance_id=CASE)
    held = await stage.peer("tasks").get("/internal/people/12/export")

    await stage.say(UserErased(user_id=12), source="users")

    assert [path.stem for path in lying(stage)] == [evidence]
    assert held.json()["data"]["held"]["files"] == []
