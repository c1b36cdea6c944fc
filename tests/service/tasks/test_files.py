"""Looking into files."""

import io
from pathlib import Path

import httpx2
import pytest
from PIL import Image
from sqlalchemy import select

from libs.common.contracts.files import FileReceived
from libs.common.contracts.tasks import TaskFileProcessed
from libs.common.testing.stage import Stage, until
from services.tasks.models import FileProcessing, State
from tests.service.tasks.conftest import only_task, tasks_of, until_state

FIXTURES = Path(__file__).parents[4] / "shared" / "fixtures" / "media"


def received(file_id: str = "f1", **more: str) -> FileReceived:
    return FileReceived(file_id=file_id, file_type=more.pop("file_type", "image"), **more)


def a_photo(width: int = 40, height: int = 30) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Canary Camera"
    Image.new("RGB", (width, height), "teal").save(file, "JPEG", exif=exif, comment=b"canary")
    return file.getvalue()


def has_file(stage: Stage, content: bytes, file_id: str = "f1") -> dict[str, httpx2.Request]:
    """Play a files service with this file; answer what is put to it."""
    put: dict[str, httpx2.Request] = {}

    def take(request: httpx2.Request) -> httpx2.Response:
        put["copy"] = request
        return httpx2.Response(200, json={"data": {}})

    path = f"files /internal/files/{file_id}"
    stage.peers.answers[f"GET {path}/original"] = lambda _: httpx2.Response(200, content=content)
    stage.peers.answers[f"PUT {path}/working-copy"] = take
    return put


async def test_a_photo_gets_a_working_copy(stage: Stage) -> None:
    """S1-19a, S1-22: upright, and nothing of the camera in it."""
    put = has_file(stage, a_photo())
    await stage.say(received())
    task = await until_state(stage, State.SUCCESS)

    copy = put["copy"]
    with Image.open(io.BytesIO(copy.content)) as image:
        assert image.size == (30, 40)
    assert b"anary" not in copy.content
    assert copy.headers["x-attempt"] == "1"
    [fact] = await stage.said(TaskFileProcessed)
    assert (fact.file_id, fact.task_id, fact.outcome) == ("f1", task.task_id, "ready")


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(500), b"", b"GIF"])
async def test_a_corrupt_file_is_a_result_and_not_a_failure(stage: Stage, content: bytes) -> None:
    put = has_file(stage, content)
    await stage.say(received())
    task = await until_state(stage, State.SUCCESS)

    assert [fact.outcome for fact in await stage.said(TaskFileProcessed)] == ["CORRUPT_FILE"]
    assert (task.attempt, put) == (1, {})


async def test_how_far_a_file_has_come_can_be_seen(stage: Stage) -> None:
    """S0-05."""
    has_file(stage, a_photo())
    await stage.say(received())
    task = await until_state(stage, State.SUCCESS)

    async with stage.uow.read() as tx:
        [row] = await tx.session.scalars(select(FileProcessing))
    assert (row.file_id, row.task_id, row.file_type) == ("f1", task.task_id, "image")
    assert row.status == State.SUCCESS


async def test_a_file_told_of_again_is_looked_into_once(stage: Stage) -> None:
    """It is told of again when its case was filed, apart if the case is a SEAH case."""
    has_file(stage, a_photo())
    await stage.say(received())
    await until_state(stage, State.SUCCESS)
    await stage.say(received(grievance_id="GRV-1"), restricted=True)

    assert (await only_task(stage)).restricted
    assert len(await stage.said(TaskFileProcessed)) == 1


async def test_an_attempt_that_was_overtaken_says_nothing(stage: Stage) -> None:
    has_file(stage, a_photo())
    error = {"code": "LATE_ATTEMPT", "message": "A later attempt has written already."}
    late = httpx2.Response(409, json={"status": "error", "error": error})
    asked = []

    def refuse(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return late

    stage.peers.answers["PUT files /internal/files/f1/working-copy"] = refuse
    await stage.say(received())
    await until_state(stage, State.STARTED)

    async def is_refused() -> bool:
        return bool(asked)

    await until(is_refused)
    assert await stage.said(TaskFileProcessed) == []


async def test_what_is_no_image_is_left_alone(stage: Stage) -> None:
    await stage.say(received("f2", file_type="voice"))
    assert await tasks_of(stage) == []
