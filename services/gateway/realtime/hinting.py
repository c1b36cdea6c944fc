"""That somebody writes: a hint between replicas, never a fact.

It goes straight to the bus, past any outbox. No durable queue is bound to its topic, so it reaches
whoever listens to the broadcast at this moment, and is kept nowhere (ADR 11).
"""

import asyncio
from collections import OrderedDict
from typing import ClassVar, Literal

from libs.common.bus.protocol import Bus, BusDown, Message
from libs.common.clock import monotonic
from libs.common.events import Envelope, Event
from libs.common.ids import new_id
from libs.common.logging import get_logger
from services.gateway.domain.remembering import keep_newest
from services.gateway.domain.rooms import Kind, Listener, Room

log = get_logger(__name__)

EVERY_SECONDS = 1.0
"""More often nobody is told that the same person still writes."""
IN_FLIGHT = 20
PUBLISH_SECONDS = 1.0
KEPT = 10_000


class Typing(Event):
    """Somebody writes in a conversation."""

    topic: ClassVar[str] = "realtime.typing.v1"
    about: ClassVar[str] = "conversation_id"

    conversation_id: str
    who: Literal["customer", "agent"]
    origin: str
    """The replica that told its own clients already."""

    @property
    def room(self) -> Room:
        """Who is told."""
        return Room(Kind.CONVERSATION, self.conversation_id)


class Typists:
    """Who wrote when, and the way to the other replicas."""

    def __init__(self, bus: Bus | None) -> None:
        self._bus = bus
        self._origin = new_id()
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)

    def hint(self, conversation_id: str, listener: Listener) -> Typing | None:
        """What to tell, or None when it was told just now."""
        principal, now = listener.grant.principal, monotonic()
        key = conversation_id, principal.id
        if now - self._told.get(key, float("-inf")) < EVERY_SECONDS:
            return None
        keep_newest(self._told, key, now, KEPT)
        who: Literal["customer", "agent"] = "agent" if principal.is_staff else "customer"
        return Typing(conversation_id=conversation_id, who=who, origin=self._origin)

    def is_own(self, hint: Typing) -> bool:
        """Whether this replica said it."""
        return hint.origin == self._origin

    async def pass_on(self, hint: Typing) -> None:
        """Tell the other replicas, if the bus takes it at once."""
        if self._bus is None or self._in_flight.locked():
            return
        envelope = Envelope.of(hint, source="gateway")
        message = Message(envelope.id, envelope.type, envelope.to_bytes())
        async with self._in_flight:
            try:
                async with asyncio.timeout(PUBLISH_SECONDS):
                    await self._bus.publish([message])
            except (BusDown, TimeoutError):
                log.info("typing.not_passed_on")
