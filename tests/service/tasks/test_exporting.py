"""Issue 4, S4-18: an export is put together of what every service holds; and erasing, in tasks."""

import io
import json
import zipfile

import httpx2
from sqlalchemy import select

from libs.common.contracts.grievance import GrievanceErased
from libs.common.contracts.users import ExportRequested, UserErased, UserLinked
from libs.common.testing.stage import Stage
from services.tasks.models import State, Task
from tests.service.tasks.conftest import a_case, has_text, until_state

CASE = "GRV-2026-7K3MQX-4"
EXPORT = "019cac98-b2d4-7c11-9a5e-6f0b3d8c2e47"
HELD = {
    "users": {"profile": {"name": "Sita Sharma"}},
    "grievance": {"cases": [{"grievance_id": CASE, "description": "धारामा पानी छैन।"}]},
    "chat": {"conversations": []},
    "files": {
        "files": [
            {"file_id": "f-1", "mime_type": "image/png"},
            {"file_id": "f-gone", "mime_type": "image/png"},
        ]
    },
    "tasks": {"readings": []},
}


def play(stage: Stage) -> None:
    for name, held in HELD.items():
        stage.peers.answers[f"GET {name} /internal/people/12/export"] = {"held": held}
    stage.peers.answers["GET files /internal/files/f-1/original"] = b"bytes of a photo"
    error = {"code": "FILE_NOT_FOUND", "message": "gone"}
    stage.peers.answers["GET files /internal/files/f-gone/original"] = httpx2.Response(
        404, json={"error": error}
    )


async def test_an_export_is_what_every_service_holds_and_the_files(stage: Stage) -> None:
    delivered: list[bytes] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        delivered.append(request.content)
        return httpx2.Response(200, json={"data": {}})

    play(stage)
    stage.peers.answers[f"PUT users /internal/exports/{EXPORT}/archive"] = take

    await stage.say(ExportRequested(export_id=EXPORT, user_id=12), source="users")
    await until_state(stage, State.SUCCESS)

    with zipfile.ZipFile(io.BytesIO(delivered[0])) as archive:
        assert archive.testzip() is None
        assert archive.read("files/f-1.png") == b"bytes of a photo"
        found = {
            name.removesuffix(".json"): json.loads(archive.read(name))
            for name in archive.namelist()
            if name.endswith(".json")
        }
    assert found == HELD
    asked = [str(request.url) for request in stage.peers.asked if "people" in str(request.url)]
    assert all(f"case={CASE}" in url for url in asked if "chat" in url or "files" in url)


async def test_an_export_nobody_waits_for_any_more_comes_to_nothing(stage: Stage) -> None:
    play(stage)
    error = {"code": "EXPORT_NOT_FOUND", "message": "gone"}
    gone = httpx2.Response(404, json={"error": error})
    stage.peers.answers[f"PUT users /internal/exports/{EXPORT}/archive"] = gone

    await stage.say(ExportRequested(export_id=EXPORT, user_id=12), source="users")

    task = await until_state(stage, State.FAILURE)
    assert task.error_message == "SUBJECT_GONE"


async def test_what_was_read_of_a_case_of_nobody_is_gone(stage: Stage) -> None:
    has_text(stage, "There has been no water for three days.")
    await stage.say(a_case())
    task = await until_state(stage, State.SUCCESS)
    path = f"/internal/tasks/{task.task_id}/result"
    assert (await stage.peer("grievance").get(path)).status_code == 200

    await stage.say(GrievanceErased(grievance_id=CASE), source="grievance")

    assert (await stage.peer("grievance").get(path)).status_code == 404


async def test_what_is_read_after_its_person_was_erased_is_not_kept(stage: Stage) -> None:
    await stage.say(UserErased(user_id=12), source="users")
    await stage.say(UserLinked(grievance_id=CASE, user_id=12), source="users")
    has_text(stage, "There has been no water for three days.")

    await stage.say(a_case())

    await until_state(stage, State.SUCCESS)
    async with stage.uow.read() as tx:
        assert await tx.session.scalar(select(Task.result)) is None
