"""One kept connection of a bare HTTP/1.1 client: load has to cost the machine little."""

import asyncio
from typing import Any, cast

from scripts.siege.answers import Answer, AnswerReader, Cut

HOST = "127.0.0.1"
CONNECT_SECONDS = 5.0


class NotSent(Exception):
    """The connection was closed before a byte of the request was sent: nothing happened."""


class Line(asyncio.Protocol):
    """A connection: one request after the other."""

    def __init__(self) -> None:
        self.is_open = False
        self.said_goodbye = False
        """The other side said `Connection: close`."""
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None

    @classmethod
    async def to(cls, port: int, host: str = HOST) -> "Line":
        """Connect. Raises OSError or TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            _, line = await loop.create_connection(cls, host, port)
        return line

    async def ask(self, wire: bytes) -> Answer:
        """Send a whole request, and wait for its answer. Raises NotSent or Cut."""
        self.send(wire)
        return await self.answer()

    def send(self, part: bytes) -> None:
        """Send a part of a request. Raises NotSent when there is nobody any more."""
        if not self.is_open or self._transport is None:
            raise NotSent("closed before it was used")
        self._transport.write(part)

    async def answer(self) -> Answer:
        """The answer to what was sent. Raises Cut."""
        if not self.is_open:
            raise Cut("no answer")
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    def close(self) -> None:
        """Hang up."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        answer = self._reader.feed(data)
        if answer is None:
            return
        if answer.ends_line:
            self.said_goodbye = True
            self.close()
        self._settle(answer)

    def eof_received(self) -> None:
        self.is_open = False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self.is_open = False
        if self._waiting is None or self._waiting.done():
            return
        try:
            answer = self._reader.ended()
        except Cut as cut:
            self._waiting.set_exception(cut)
        else:
            assert answer is not None
            self._settle(answer)

    def _settle(self, answer: Answer) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)


def request(
    method: str,
    target: str,
    *,
    token: str | None = None,
    body: bytes | None = None,
    **headers: Any,
) -> bytes:
    """The bytes of a request; `content_length=5` becomes `Content-Length: 5`."""
    given = {"Host": "redress.test"}
    if token:
        given["Authorization"] = f"Bearer {token}"
    if body is not None:
        given |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    given |= {name.replace("_", "-").title(): str(value) for name, value in headers.items()}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")
