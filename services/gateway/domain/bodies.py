"""Bodies on their way in: read or streamed, counted, never waited for without an end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from libs.common.errors import TooLarge
from services.gateway.domain.refusals import RequestTimeout

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

SMALL = 64 * 1024
PATIENCE_SECONDS = 0.05
"""Most calls are answered sooner; only then is it worth a task to watch whether anybody waits."""
LINGER_SECONDS = 0.5
LINGER_BYTES = 512 * 1024


class ClientGone(Exception):
    """The client closed the connection."""


class Body:
    """The body a client sends, as it comes. At most `limit` bytes, no pause over `pause` seconds.

    `refused` says why it ended early: whoever passes the stream on only sees that it broke.
    """

    def __init__(self, receive: Receive, *, limit: int, pause: float) -> None:
        self._receive = receive
        self.limit = limit
        self._pause = pause
        self._taken = 0
        self.refused: Exception | None = None
        self.is_complete = False
        self.is_awaited = False
        """The client is to send, and does not: whose fault it is when time runs out."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece. Raises TooLarge, RequestTimeout, ClientGone."""
        while not self.is_complete:
            try:
                chunk = await self._next()
            except (TooLarge, RequestTimeout, ClientGone) as reason:
                self.refused = reason
                raise
            if chunk:
                yield chunk

    async def whole(self) -> bytes:
        """All of it. Raises TooLarge, RequestTimeout, ClientGone."""
        try:
            async with asyncio.timeout(self._pause):
                return b"".join([chunk async for chunk in self.chunks()])
        except TimeoutError:
            raise RequestTimeout("The body that was promised did not come.") from None

    async def discard(self) -> None:
        """Read on a little after a refusal, so that the client gets to read it before a reset."""
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                self.limit = self._taken + LINGER_BYTES
                async for _ in self.chunks():
                    pass
        except (TimeoutError, TooLarge, RequestTimeout, ClientGone):
            return

    async def _next(self) -> bytes:
        self.is_awaited = True
        try:
            async with asyncio.timeout(self._pause):
                message = await self._receive()
        except TimeoutError:
            raise RequestTimeout("The body that was promised did not come.") from None
        self.is_awaited = False
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        self._taken += len(chunk)
        if self._taken > self.limit:
            raise TooLarge("The request is too large.", limit=self.limit)
        self.is_complete = not message.get("more_body", False)
        return chunk


class Leaving:
    """Cancels the task it was made in when the client goes, once there is no more body to read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._call = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.has_left = False

    def watch(self) -> None:
        """Begin, in a moment."""
        self._timer = self._loop.call_later(PATIENCE_SECONDS, self._begin)

    def stop(self) -> None:
        """Watch no more: what the end of an answer wakes is not somebody leaving."""
        if self._timer:
            self._timer.cancel()
        if self._watcher:
            self._watcher.cancel()

    def _begin(self) -> None:
        self._watcher = self._loop.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
        if self._call:
            self._call.cancel()
