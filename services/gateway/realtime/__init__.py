"""Real time: Socket.IO and streams, fed by the bus's broadcast (design 4, ADR 11).

A push is a hint: whoever was away, or lost one, reads the resource by its cursor.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from libs.common.bus.protocol import Bus, Message
from libs.common.tokens import Verifier
from services.gateway.clients.owners import Owners, Tickets
from services.gateway.domain.addresses import Addresses
from services.gateway.domain.exchanging import KeyExchange
from services.gateway.domain.origins import Origins
from services.gateway.domain.refusals import Leaving
from services.gateway.domain.rooms import Grant, Limits, Room
from services.gateway.realtime.admitting import Admitting
from services.gateway.realtime.front import Front, Gate
from services.gateway.realtime.hinting import Typists
from services.gateway.realtime.hub import Hub
from services.gateway.realtime.sockets import Sockets
from services.gateway.realtime.streams import RECONNECT, Stream

CLOSE_SECONDS = 2.0


class Realtime:
    """Everything that is held open. As an ASGI app it is `/socket.io`; streams are a route's.

    `gate` is what else is asked of whoever connects anew: it raises what they are refused with.
    """

    def __init__(
        self,
        *,
        verifier: Verifier,
        keys: KeyExchange,
        owners: Owners,
        tickets: Tickets,
        bus: Bus | None = None,
        origins: Iterable[str] = (),
        addresses: Addresses | None = None,
        gate: Gate | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self.admitting = Admitting(verifier, keys, tickets, addresses or Addresses())
        self._limits = limits
        self._hub = Hub(owners, limits, Typists(bus))
        self._sockets = Sockets(self._hub, self.admitting, limits)
        self._front = Front(self._sockets, self.admitting, Origins(origins), gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._front(scope, receive, send)

    def __len__(self) -> int:
        return len(self._hub.rooms)

    async def hear(self, message: Message) -> None:
        """Take the broadcast copy of an event, and push what it means to whoever watches."""
        await self._hub.hear(message)

    async def end(self, sessions: Collection[str]) -> None:
        """End whatever is held open with a token of one of these sessions."""
        await self._hub.end_sessions(sessions)

    async def open_stream(self, grant: Grant, rooms: Sequence[Room]) -> Stream:
        """A stream of those rooms, every one of which its owner opened.

        Raises NotFound, TooManyRooms, TooManyConnections, Unauthenticated, PeerFailed.
        """
        if self._front.is_leaving or len(self) >= self._limits.in_all:
            raise Leaving("There is no room just now: connect elsewhere.")
        stream = Stream(grant, self._limits.backlog)
        self._hub.rooms.enter(stream)
        try:
            for room in rooms:
                await self._hub.subscribe(stream, room)
        except BaseException:
            self.close_stream(stream)
            raise
        return stream

    def close_stream(self, stream: Stream) -> None:
        """Its reader has gone."""
        self._hub.rooms.leave(stream)

    async def close(self) -> None:
        """Tell everybody to connect again, elsewhere: within two seconds nobody is held here."""
        if self._front.is_leaving:
            return
        self._front.is_leaving = True
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for listener in self._hub.rooms:
                    if isinstance(listener, Stream):
                        await listener.dismiss(RECONNECT)
                await self._sockets.close()
        await self._hub.close()
