"""The files service on stage, with grievance played."""

import io
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from PIL import Image

from libs.common.contracts.tasks import TaskFileProcessed
from libs.common.testing.stage import Stage, until
from services.files.app import create_app
from services.files.settings import FilesSettings


@pytest.fixture
async def stage(raise_stage: Callable[..., Awaitable[Stage]]) -> Stage:
    raised = await raise_stage("files", create_app, FilesSettings)
    await until(lambda: raised.service.readiness.is_started)
    return raised


def a_picture(width: int = 8, height: int = 6, form: str = "JPEG") -> bytes:
    """A whole picture of that size."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, form)
    return file.getvalue()


def form_of(content: bytes, name: str = "photo.jpg", **fields: str) -> dict[str, Any]:
    """The arguments of a form post."""
    return {
        "files": {"file": (name, content, "image/jpeg")},
        "data": {"file_type": "image", **fields},
    }


async def upload(client: httpx2.AsyncClient, content: bytes | None = None, **more: str) -> str:
    """Send a picture; answer its id."""
    answer = await client.post("/api/v1/files", **form_of(content or a_picture(), **more))
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["data"]["file_id"]
    return found


def lets_in(stage: Stage, grievance_id: str, *roles: str) -> None:
    """Play a grievance service that shows this case to tokens of those roles and nobody else."""

    def access(request: httpx2.Request) -> httpx2.Response:
        who = stage.service.verifier  # the token is checked by the real one, as a peer would
        token = request.headers.get("x-on-behalf-of", "")
        role = who.verify(token).role.value if token else ""
        if role in roles:
            return httpx2.Response(
                200, json={"data": {"access": "officer", "is_restricted": False}}
            )
        error = {"code": "GRIEVANCE_NOT_FOUND", "message": "There is no such grievance."}
        return httpx2.Response(404, json={"status": "error", "error": error})

    stage.peers.answers[f"GET grievance /internal/grievances/{grievance_id}/access"] = access


def stored_files(stage: Stage) -> list[str]:
    """Everything below the upload folder."""
    root = stage.service.settings.uploads  # type: ignore[attr-defined]
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


async def put_copy(
    stage: Stage, file_id: str, content: bytes | None = None, *, attempt: int = 1
) -> httpx2.Response:
    """Store a working copy, as the tasks service does."""
    async with stage.peer("tasks") as tasks:
        return await tasks.put(
            f"/internal/files/{file_id}/working-copy",
            content=content or a_picture(4, 4),
            headers={"X-Attempt": str(attempt), "Content-Type": "application/octet-stream"},
        )


async def make_ready(stage: Stage, file_id: str, content: bytes | None = None) -> None:
    """Play the tasks service: look into a file, and find it fine."""
    assert (await put_copy(stage, file_id, content)).status_code == 200
    await stage.say(TaskFileProcessed(file_id=file_id, task_id="t1", outcome="ready"))
