"""A WebSocket's line: it ends when we say so, and nothing waits for a client that does not read."""

import asyncio
from contextlib import suppress
from typing import Any

from starlette.types import Message, Receive, Send

NORMAL = 1000
GOING_AWAY = 1012
"""Service restart: connect again (RFC 6455, registry)."""
TOO_SLOW = 1013
"""Try again later."""
SEND_SECONDS = 10.0
CLOSE_SECONDS = 1.0
GONE: Message = {"type": "websocket.disconnect", "code": 1006}


class Line:
    """Receives and sends for the library."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._left: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def receive(self) -> Message:
        """The client's next message, or its leaving, or ours."""
        if self._left.done():
            return GONE
        taking = asyncio.ensure_future(self._receive())
        either: set[asyncio.Future[Any]] = {taking, self._left}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return taking.result() if taking.done() else GONE
        finally:
            taking.cancel()

    async def send(self, message: Message) -> None:
        """Send what the library sends, within a deadline; after the end nothing."""
        if self._left.done():
            return
        if message["type"] == "websocket.close":
            await self.end(int(message.get("code", NORMAL)))
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(message)
        except TimeoutError:
            await self.end(TOO_SLOW)
            raise

    async def end(self, code: int) -> None:
        """Say goodbye with `code`, if the client listens, and be gone."""
        if self._left.done():
            return
        self._left.set_result(None)
        with suppress(TimeoutError, OSError, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send({"type": "websocket.close", "code": code})
