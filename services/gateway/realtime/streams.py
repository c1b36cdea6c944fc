"""Streams: what sockets hear, as server-sent events (WHATWG HTML, 9.2)."""

import asyncio
import json
import random
from collections.abc import AsyncIterator

from libs.common.clock import utc_now
from libs.common.ids import new_id
from libs.common.logging import get_logger
from services.gateway.domain.rooms import Grant, Listener, Push
from services.gateway.realtime.hub import EXPIRED

log = get_logger(__name__)

HEARTBEAT_SECONDS = 15.0
RETRY_MILLIS = 2000, 6000
"""When readers come back: not all at once, when a replica has gone."""
RECONNECT = Push("reconnect", {})


class Stream(Listener):
    """One reader; what it does not take in time is bounded, and then it is cut off."""

    def __init__(self, grant: Grant, backlog: int, *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        super().__init__(grant)
        self._waiting: asyncio.Queue[Push] = asyncio.Queue(backlog)
        self._heartbeat = heartbeat
        self._last: Push | None = None
        self._ended = asyncio.Event()
        self.is_too_slow = False

    async def offer(self, push: Push) -> None:
        """Put a push behind those that wait; a reader too far behind is cut off."""
        if self._ended.is_set():
            return
        try:
            self._waiting.put_nowait(push)
        except asyncio.QueueFull:
            log.info("stream.too_slow", principal=self.grant.principal.id)
            self.is_too_slow = True
            self._ended.set()

    async def dismiss(self, push: Push) -> None:
        """Let the reader have what waits, and this as the last."""
        self._last = self._last or push
        self._ended.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """What is sent, until it is dismissed or its token ends."""
        yield f"retry: {random.randint(*RETRY_MILLIS)}\n\n".encode()  # noqa: S311 - jitter
        yield _written(Push("subscribed", {"rooms": [f"{r.kind}:{r.id}" for r in self.rooms]}))
        while not self._ended.is_set():
            left = self.grant.ends_at - utc_now().timestamp()
            if left <= 0:
                await self.dismiss(EXPIRED)
                break
            push = await self._next(min(left, self._heartbeat))
            yield _written(push) if push else b": still here\n\n"
        while not self._waiting.empty():
            yield _written(self._waiting.get_nowait())
        if self._last:
            yield _written(self._last)

    async def _next(self, seconds: float) -> Push | None:
        """The next push; None when there is none in time, or never will be."""
        taking = asyncio.ensure_future(self._waiting.get())
        ending = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait(
                {taking, ending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            return taking.result() if taking.done() else None
        finally:
            taking.cancel()
            ending.cancel()


def _written(push: Push) -> bytes:
    """A push as an event. JSON has no line breaks of its own, so one line of data holds it."""
    data = json.dumps(push.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {push.id or new_id()}\nevent: {push.event}\ndata: {data}\n\n".encode()
