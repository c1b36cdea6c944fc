"""Many complaints at once: each filed by a guest of its own, by chat or over the API."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from scripts.demo.api import Answer, Caller, Unexpected, until
from scripts.demo.chat import Complaint, Conversation
from scripts.demo.people import guest
from scripts.demo.story import Staff, upload

S = TypeVar("S")
R = TypeVar("R")

AT_ONCE = 8
READ_SECONDS = 60.0


@dataclass(frozen=True)
class Photo:
    """A file that goes with a complaint; `refused` lists the statuses that may refuse it."""

    name: str
    kind: str
    content: bytes
    refused: tuple[int, ...] = ()


@dataclass(frozen=True)
class Row:
    """A complaint to file, and what is expected of it."""

    id: str
    language: str
    complaint: Complaint
    categories: frozenset[str]
    photo: Photo | None = None


@dataclass
class Outcome:
    """What became of a row."""

    row: Row
    grievance_id: str | None = None
    failure: str | None = None
    photo_verdict: str | None = None
    """`ready`, `rejected`, or the status the door refused it with."""
    case: dict[str, Any] | None = None

    @property
    def is_photo_right(self) -> bool:
        """Whether the photo got the verdict it should."""
        if self.row.photo is None:
            return True
        allowed = {"rejected", *map(str, self.row.photo.refused)}
        return self.photo_verdict in (allowed if self.row.photo.refused else {"ready"})

    def is_hit(self, among: int) -> bool:
        """Whether one of the first `among` categories is right."""
        found = self.case["categories"][:among] if self.case else []
        return bool(self.row.categories & set(found))


async def each(items: Sequence[S], work: Callable[[S], Awaitable[R]]) -> list[R]:
    """`work` on every item, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: S) -> R:
        async with gate:
            return await work(item)

    return list(await asyncio.gather(*(one(item) for item in items)))


async def by_chat(anyone: Caller, row: Row) -> Outcome:
    """File it in a conversation; the photo goes ahead, and is left out when it is refused."""
    outcome = Outcome(row)
    try:
        citizen = await guest(anyone)
        stored = await _hand_in(citizen, row.photo, outcome) if row.photo else ()
        complaint = Complaint(
            row.complaint.text,
            row.complaint.place,
            row.complaint.name,
            row.complaint.phone,
            stored,
        )
        conversation = Conversation(citizen, "en" if row.language == "en" else "ne")
        outcome.grievance_id = (await conversation.file(complaint)).grievance_id
        await _judge(citizen, outcome, stored)
    except Unexpected as failure:
        outcome.failure = str(failure)
    return outcome


async def by_api(anyone: Caller, row: Row) -> Outcome:
    """File it over the API, the photo inside; once more without it when it is refused."""
    outcome = Outcome(row)
    try:
        citizen = await guest(anyone)
        body = _body(row)
        answer = await citizen.post("/api/v1/grievances", json=body, expect=())
        if row.photo and not answer.is_fine:
            outcome.photo_verdict = str(answer.status)
            body["files"] = []
        if not answer.is_fine:
            answer = await citizen.post("/api/v1/grievances", json=body)
        outcome.grievance_id = answer.data["grievance_id"]
        case = await citizen.get(f"/api/v1/grievances/{outcome.grievance_id}")
        await _judge(citizen, outcome, tuple(file["file_id"] for file in case.data["files"]))
    except Unexpected as failure:
        outcome.failure = str(failure)
    return outcome


async def read_back(staff: Staff, outcomes: Sequence[Outcome]) -> None:
    """Fill in each case as the officer, or the SEAH officer, sees it once it was read."""
    wanted = {each.grievance_id for each in outcomes if each.grievance_id}

    async def all_read() -> dict[str, Any] | None:
        found = {**await _listed(staff.officer), **await _listed(staff.seah_officer)}
        mine = {name: found[name] for name in wanted & found.keys()}
        is_read = all(case["classification_status"] != "pending" for case in mine.values())
        return mine if mine.keys() == wanted and is_read else None

    try:
        found = await until(all_read, what="every case to be read", seconds=READ_SECONDS, every=1)
    except Unexpected:
        found = {**await _listed(staff.officer), **await _listed(staff.seah_officer)}
    for outcome in outcomes:
        outcome.case = found.get(outcome.grievance_id or "")


async def _listed(officer: Caller) -> dict[str, Any]:
    quiet = officer.quietly()
    found: dict[str, Any] = {}
    query: dict[str, Any] = {"limit": 100}
    while True:
        page = (await quiet.get("/api/v1/grievances", params=query)).data
        found |= {case["grievance_id"]: case for case in page["items"]}
        if not page["next_cursor"]:
            return found
        query["cursor"] = page["next_cursor"]


async def _hand_in(citizen: Caller, photo: Photo, outcome: Outcome) -> tuple[str, ...]:
    answer: Answer = await upload(citizen, photo.content, photo.name, photo.kind)
    if answer.is_fine:
        return (answer.data["file_id"],)
    outcome.photo_verdict = str(answer.status)
    return ()


async def _judge(citizen: Caller, outcome: Outcome, stored: tuple[str, ...]) -> None:
    """Wait until the stored photo was looked into."""
    for file_id in stored:

        async def verdict() -> str | None:
            found = (await citizen.get(f"/api/v1/files/{file_id}")).data["status"]  # noqa: B023
            return found if found in {"ready", "rejected"} else None

        outcome.photo_verdict = await until(verdict, what="the verdict on a photo")


def _body(row: Row) -> dict[str, Any]:
    said = row.complaint
    contact = {"name": said.name, "phone_number": said.phone} if said.phone else None
    body: dict[str, Any] = {"description": said.text, "contact": contact, "files": []}
    if said.place:
        body["place"] = {"text": said.place}
    if row.photo:
        photo = {
            "file_id": f"{row.id}-photo",
            "file_type": "image",
            "file_name": row.photo.name,
            "file_data": base64.b64encode(row.photo.content).decode(),
        }
        body["files"] = [photo]
    return body
