"""Putting together everything that is held on somebody: a ZIP that is never whole in one place.

Each service is asked, each file is fetched, and what is ready is sent on at once to users, which
seals it piece by piece. Nothing of it is written here.
"""

import json
from collections.abc import AsyncIterator
from io import RawIOBase
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from pydantic import BaseModel

from services.tasks.clients.peers import Gone
from services.tasks.clients.people import PeopleClient
from services.tasks.domain.registry import Job, Outcome, Tools, task
from services.tasks.models import Lane

BY_CASE = ("chat", "files", "tasks")
"""Who keeps what is somebody's under their cases."""
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}


class ExportArguments(BaseModel):
    export_id: str
    user_id: int


def export_subject(arguments: ExportArguments) -> str:
    """Whose data key seals the result: it says how much there was, and nothing of it."""
    return f"export:{arguments.export_id}"


class _Outgoing(RawIOBase):
    """What a ZIP is written to and taken from at once; it cannot be gone back in."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self._held += chunk
        return len(chunk)

    def taken(self) -> bytes:
        """Everything since this was asked last."""
        held = bytes(self._held)
        self._held.clear()
        return held


@task(
    lane=Lane.DEFAULT,
    retries=3,
    backoff=lambda retry: 10 * 2.0**retry,
    arguments=ExportArguments,
    sealed_for=export_subject,
)
async def export_person(arguments: ExportArguments, job: Job) -> Outcome:
    """Put an export together. The first attempt that delivers it whole is the one that counts."""
    counted = {"files": 0, "missing": 0}
    content = _archive(job.tools, arguments.user_id, counted)
    await job.tools.people.deliver(arguments.export_id, content, attempt=job.attempt)
    return Outcome(dict(counted))


async def _archive(tools: Tools, user_id: int, counted: dict[str, int]) -> AsyncIterator[bytes]:
    outgoing = _Outgoing()
    with ZipFile(outgoing, "w", ZIP_DEFLATED) as archive:
        held = await _held(tools.people, user_id)
        for name, what in held.items():
            text = json.dumps(what, ensure_ascii=False, indent=1)
            archive.writestr(f"{name}.json", text)
        yield outgoing.taken()
        for file in held["files"]["files"]:
            try:
                content = await tools.files.original(file["file_id"])
            except Gone:
                counted["missing"] += 1
                continue
            ending = ENDINGS.get(file["mime_type"], "bin")
            entry = ZipInfo(f"files/{file['file_id']}.{ending}")
            entry.compress_type = ZIP_STORED
            archive.writestr(entry, content)
            counted["files"] += 1
            yield outgoing.taken()
    yield outgoing.taken()


async def _held(people: PeopleClient, user_id: int) -> dict[str, Any]:
    """What each service holds; grievance first, which knows whose the cases are."""
    cases = await people.held("grievance", user_id)
    named = [case["grievance_id"] for case in cases["cases"]]
    others = {name: await people.held(name, user_id, cases=named) for name in BY_CASE}
    return {"users": await people.held("users", user_id), "grievance": cases, **others}
