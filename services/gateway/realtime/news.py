"""What events mean for whoever watches: the room, the name and the payload of each push.

Events carry ids and codes. What a payload holds beside them (the summary of a case, the text of a
message) is fetched from its owner, and only while somebody is in the room.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from libs.common.contracts.chat import MessageReceived, MessageSent
from libs.common.contracts.files import FileDeleted, FileReady, FileRejected
from libs.common.contracts.grievance import GrievanceClassified, GrievanceStatusChanged
from libs.common.contracts.tasks import (
    TaskCancelled,
    TaskFailed,
    TaskFileProcessed,
    TaskQueued,
    TaskRetrying,
    TaskStarted,
    TaskSucceeded,
)
from libs.common.events import Envelope, Event
from services.gateway.clients.owners import Owners
from services.gateway.domain.rooms import Kind, Room

E = TypeVar("E", bound=Event)

Json = dict[str, Any]
Detail = Callable[[Owners], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class News:
    """A push for one room; `detail` fetches what the event did not carry."""

    room: Room
    event: str
    data: Json
    detail: Detail | None = None


STATES: dict[str, str] = {
    TaskQueued.topic: "PENDING",
    TaskStarted.topic: "STARTED",
    TaskRetrying.topic: "RETRY",
    TaskSucceeded.topic: "SUCCESS",
    TaskFailed.topic: "FAILURE",
    TaskCancelled.topic: "REVOKED",
}
"""Where a task stands after each of its facts, in the words of the sources."""


def news_of(envelope: Envelope) -> list[News]:
    """The pushes an event gives rise to; none for most events."""
    made = _MADE_BY.get(envelope.type)
    return made(envelope) if made else []


def _status_changed(envelope: Envelope) -> list[News]:
    event = _read(GrievanceStatusChanged, envelope)
    data = {
        "grievance_id": event.grievance_id,
        "from": event.from_status,
        "to": event.to_status,
        "action": event.action,
        "level": event.level,
        "changed_at": envelope.time.isoformat(),
    }
    return [News(Room(Kind.GRIEVANCE, event.grievance_id), "grievance_status", data)]


def _classified(envelope: Envelope) -> list[News]:
    event = _read(GrievanceClassified, envelope)
    data = {
        "grievance_id": event.grievance_id,
        "categories": event.categories,
        "summary": None,
        "classification_status": event.classification_status,
    }

    async def detail(owners: Owners) -> Json:
        return {"summary": await owners.summary(event.grievance_id)}

    room = Room(Kind.GRIEVANCE, event.grievance_id)
    return [News(room, "classification_complete", data, detail)]


def _said(envelope: Envelope) -> list[News]:
    event = _read(MessageSent, envelope)
    data = {"conversation_id": event.conversation_id, "message": {"id": event.message_id}}

    async def detail(owners: Owners) -> Json:
        return {"message": await owners.message(event.conversation_id, event.message_id)}

    return [News(Room(Kind.CONVERSATION, event.conversation_id), "chat_message", data, detail)]


def _task_moved(envelope: Envelope) -> list[News]:
    said = envelope.data
    data = {
        "task_id": said["task_id"],
        "status": STATES[envelope.type],
        "task_name": said["task_name"],
        "result": {"error": said["reason"]} if "reason" in said else None,
    }
    return [News(Room(Kind.TASK, said["task_id"]), "task_status", data)]


def _file_processed(envelope: Envelope) -> list[News]:
    event = _read(TaskFileProcessed, envelope)
    data = {
        "task_id": event.task_id,
        "status": "SUCCESS",
        "task_name": "process_file",
        "result": {"file_id": event.file_id, "outcome": event.outcome},
    }
    return [News(Room(Kind.FILE, event.file_id), "task_status", data)]


def _file_moved(envelope: Envelope) -> list[News]:
    event = _read(FileReady, envelope)
    data = {
        "file_id": event.file_id,
        "grievance_id": event.grievance_id,
        "status": envelope.type.split(".")[1],
        "reason": envelope.data.get("reason"),
    }
    rooms = [Room(Kind.FILE, event.file_id)]
    if event.grievance_id is not None:
        rooms.append(Room(Kind.GRIEVANCE, event.grievance_id))
    return [News(room, "file_status", data) for room in rooms]


def _read(kind: type[E], envelope: Envelope) -> E:
    return kind.model_validate(envelope.data)


_MADE_BY: dict[str, Callable[[Envelope], list[News]]] = {
    GrievanceStatusChanged.topic: _status_changed,
    GrievanceClassified.topic: _classified,
    MessageReceived.topic: _said,
    MessageSent.topic: _said,
    TaskFileProcessed.topic: _file_processed,
    **dict.fromkeys(STATES, _task_moved),
    **dict.fromkeys((FileReady.topic, FileRejected.topic, FileDeleted.topic), _file_moved),
}
