"""One connected client: who it is, until when, and how it is told things."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from libs.common.clock import utc_now
from libs.common.logging import get_logger
from services.gateway.domain.rooms import Bucket, Grant, Limits, Listener, Push
from services.gateway.realtime.hub import EXPIRED
from services.gateway.realtime.lines import TOO_SLOW

log = get_logger(__name__)


class Wires(Protocol):
    """What a connection needs of the server it is on."""

    limits: Limits

    def backlog(self, transport: str) -> int:
        """How much waits to be sent over a transport."""
        ...

    def cut(self, transport: str, code: int) -> None:
        """End a transport, without waiting for its client."""
        ...

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside."""
        ...

    async def emit(self, sid: str, push: Push) -> None:
        """Send a push."""
        ...

    async def disconnect(self, sid: str) -> None:
        """Say goodbye."""
        ...


class Socket(Listener):
    """A client, connected over a transport."""

    def __init__(self, grant: Grant, sid: str, transport: str, address: str, wires: Wires) -> None:
        super().__init__(grant)
        self.sid = sid
        self.transport = transport
        self.address = address
        self.bucket = Bucket(wires.limits.calls)
        self.is_dismissed = False
        self._wires = wires
        self._expiry: asyncio.TimerHandle | None = None

    async def offer(self, push: Push) -> None:
        """Put a push behind those that wait; a client too far behind is cut off."""
        if self._wires.backlog(self.transport) >= self._wires.limits.backlog:
            log.info("socket.too_slow", principal=self.grant.principal.id)
            self._wires.cut(self.transport, TOO_SLOW)
            return
        await self._wires.emit(self.sid, push)

    async def dismiss(self, push: Push) -> None:
        """Tell the client why, and end its connection."""
        if self.is_dismissed:
            return
        self.is_dismissed = True
        await self.offer(push)
        await self._wires.disconnect(self.sid)

    def listen(self, grant: Grant) -> None:
        """Listen with `grant`, and no longer than it holds."""
        self.grant = grant
        self.stop_waiting()
        left = max(0.0, grant.ends_at - utc_now().timestamp())
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(left, lambda: self._wires.run(self.dismiss(EXPIRED)))

    def stop_waiting(self) -> None:
        """Wait for no end any more."""
        if self._expiry:
            self._expiry.cancel()
