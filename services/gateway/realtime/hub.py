"""Who hears what: rooms opened by their owners, and the bus's broadcast told in them."""

from collections import OrderedDict
from collections.abc import Collection

from pydantic import ValidationError

from libs.common.bus.protocol import Message
from libs.common.clock import monotonic
from libs.common.contracts.users import ApiKeyRevoked, SessionRevoked
from libs.common.errors import NotFound
from libs.common.events import Envelope
from libs.common.logging import get_logger
from services.gateway.clients.owners import Owners
from services.gateway.domain.remembering import keep_newest
from services.gateway.domain.rooms import Limits, Listener, Push, Room, Rooms
from services.gateway.realtime.hinting import Typing, Typists
from services.gateway.realtime.lanes import Lanes
from services.gateway.realtime.news import news_of

log = get_logger(__name__)

KNOWN_EVENTS = 10_000
"""Events remembered, so that one that is delivered again is told once."""
ASKED_AGAIN_SECONDS = 30.0

REVOKED = Push("session_revoked", {"code": "SESSION_REVOKED"})
EXPIRED = Push("session_expired", {"code": "SESSION_EXPIRED"})


class Hub:
    """The rooms of this replica."""

    def __init__(self, owners: Owners, limits: Limits, typists: Typists) -> None:
        self.rooms = Rooms(limits)
        self._owners = owners
        self._typists = typists
        self._lanes = Lanes(self.rooms, owners)
        self._known: OrderedDict[str, None] = OrderedDict()

    async def subscribe(self, listener: Listener, room: Room) -> None:
        """Put `listener` into a room, if its owner says it may.

        Raises NotFound, TooManyRooms, Unauthenticated, PeerFailed.
        """
        self.rooms.check_space(listener, room)
        await self._owners.watch(room.kind, room.id, token=listener.grant.token)
        self.rooms.join(listener, room)

    async def note_typing(self, listener: Listener, room: Room) -> None:
        """Tell the others in a conversation, on every replica, that somebody writes.

        Its owner is asked again now and then: unlike events, these hints do not come from it, and
        what is said in a conversation may have made it one that nobody watches. Raises NotFound.
        """
        asked_at = listener.rooms.get(room)
        if asked_at is None:
            raise NotFound("You do not watch this.")
        if monotonic() - asked_at > ASKED_AGAIN_SECONDS:
            try:
                await self.subscribe(listener, room)
            except NotFound:
                self.rooms.quit(listener, room)
                raise
        hint = self._typists.hint(room.id, listener)
        if hint is None:
            return
        await self._tell_typing(hint, but=listener)
        await self._typists.pass_on(hint)

    async def hear(self, message: Message) -> None:
        """Take the broadcast copy of an event. Restricted ones never get here; nor past here."""
        if message.restricted:
            return
        try:
            envelope = Envelope.model_validate_json(message.body)
            if envelope.restricted or self._is_known(envelope.id):
                return
            await self._take(envelope)
        except (ValidationError, KeyError):
            log.warning("push.unreadable", topic=message.topic)

    async def end(self, principal_id: str, session_id: str | None = None) -> None:
        """Somebody may not listen any more: tell them, and end their sockets and streams."""
        for listener in self.rooms.of(principal_id, session_id):
            await listener.dismiss(REVOKED)

    async def end_sessions(self, sessions: Collection[str]) -> None:
        """The same for whoever listens with a token of one of these."""
        for listener in self.rooms:
            if listener.grant.session_id in sessions:
                await listener.dismiss(REVOKED)

    async def close(self) -> None:
        """Tell nothing more."""
        await self._lanes.close()

    async def _take(self, envelope: Envelope) -> None:
        match envelope.type:
            case SessionRevoked.topic:
                revoked = SessionRevoked.model_validate(envelope.data)
                await self.end(revoked.principal_id, revoked.session_id)
            case ApiKeyRevoked.topic:
                await self.end(f"key:{ApiKeyRevoked.model_validate(envelope.data).key_id}")
            case Typing.topic:
                hint = Typing.model_validate(envelope.data)
                if not self._typists.is_own(hint):
                    await self._tell_typing(hint)
            case _:
                for news in news_of(envelope):
                    self._lanes.offer(news, envelope.id)

    async def _tell_typing(self, hint: Typing, *, but: Listener | None = None) -> None:
        data = {"conversation_id": hint.conversation_id, "who": hint.who}
        for listener in self.rooms.members(hint.room):
            if listener is not but:
                await listener.offer(Push("typing", data))

    def _is_known(self, event_id: str) -> bool:
        if event_id in self._known:
            return True
        keep_newest(self._known, event_id, None, KNOWN_EVENTS)
        return False
