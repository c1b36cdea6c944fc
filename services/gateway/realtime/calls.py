"""What a connected client may ask, and how it is answered: as our API answers, in every case."""

from collections.abc import Awaitable, Callable
from typing import Any

from libs.common.errors import AppError, BadRequest, Forbidden, TooManyRequests
from libs.common.logging import get_logger
from libs.common.web.errors import Unforeseen
from services.gateway.domain.rooms import Kind, Room
from services.gateway.realtime.admitting import Admitting
from services.gateway.realtime.connection import Socket
from services.gateway.realtime.hub import Hub

log = get_logger(__name__)

Json = dict[str, Any]
Given = tuple[Any, ...]


class UnknownEvent(BadRequest):
    """Clients say `authenticate`, `subscribe`, `unsubscribe` and `typing`."""

    code = "UNKNOWN_EVENT"


class Calls:
    """The events clients send. Each is answered in its acknowledgement."""

    def __init__(self, hub: Hub, admitting: Admitting) -> None:
        self._hub = hub
        self._admitting = admitting
        self._known: dict[str, Callable[[Socket, Given], Awaitable[Json]]] = {
            "authenticate": self._authenticate,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "typing": self._note_typing,
        }

    async def answer(self, socket: Socket | None, event: object, given: Given) -> Json:
        """Do what is asked; whatever comes in, and whatever goes wrong, this is answered."""
        try:
            return {"status": "success", "data": await self._do(socket, event, given)}
        except AppError as error:
            return _refusal(error)
        except Exception:
            log.exception("socket.call_failed")
            return _refusal(Unforeseen("Something went wrong on our side."))

    async def _do(self, socket: Socket | None, event: object, given: Given) -> Json:
        if socket is None or socket.is_dismissed:
            raise BadRequest("The connection has ended.")
        if not socket.bucket.take():
            raise TooManyRequests("Slow down.")
        handle = self._known.get(event) if isinstance(event, str) else None
        if handle is None:
            raise UnknownEvent("There is no such event.", known=sorted(self._known))
        return await handle(socket, given)

    async def _authenticate(self, socket: Socket, given: Given) -> Json:
        grant = await self._admitting.shown(_first(given, "token"), socket.address)
        if grant.principal.id != socket.grant.principal.id:
            raise Forbidden("This is somebody else's token: connect anew.")
        socket.listen(grant)
        return {"expires_at": int(grant.ends_at)}

    async def _subscribe(self, socket: Socket, given: Given) -> Json:
        room = _room(given)
        await self._hub.subscribe(socket, room)
        return {"kind": room.kind, "id": room.id}

    async def _unsubscribe(self, socket: Socket, given: Given) -> Json:
        room = _room(given)
        return {"kind": room.kind, "id": room.id, "was_in": self._hub.rooms.quit(socket, room)}

    async def _note_typing(self, socket: Socket, given: Given) -> Json:
        room = Room.of(Kind.CONVERSATION, _first(given, "conversation_id"))
        await self._hub.note_typing(socket, room)
        return {"conversation_id": room.id}


def _first(given: Given, name: str) -> object:
    """The one argument: as it is, or named in an object."""
    first: object = given[0] if given else None
    return first.get(name) if isinstance(first, dict) else first


def _room(given: Given) -> Room:
    """The room of `subscribe(kind, id)`, or of `subscribe({kind, id})`."""
    if given and isinstance(given[0], dict):
        return Room.of(given[0].get("kind"), given[0].get("id"))
    kind, name, *_ = (*given, None, None)
    return Room.of(kind, name)


def _refusal(error: AppError) -> Json:
    details = {"code": error.code, "message": error.message, "details": error.details}
    return {"status": "error", "error": details}
