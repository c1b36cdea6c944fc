"""A kept connection to a service: one call at a time. What comes unasked ends it."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import httptools

from services.gateway.proxy.answer import MAX_HEAD_BYTES, Answer, Sink
from services.gateway.proxy.turn import Turn

HIGH_WATER = 64 * 1024
RECEIVED = 128 * 1024
"""What the system may hold for us of an answer that a slow client does not take; left to itself it
takes megabytes for each."""


class Connection(Answer, asyncio.Protocol):
    """The answer to the call under way; `news` is called when there is more of it."""

    def __init__(self, *, left: Callable[["Connection"], None]) -> None:
        super().__init__()
        self._left = left
        self.transport: asyncio.Transport | None = None
        self.is_lost = False
        self.is_write_paused = False
        self.idle_since = 0.0
        self._news: Callable[[], None] | None = None
        self._held = b""
        self._is_reading_paused = False

    # What the call does.

    def ask(self, head: bytes, news: Callable[[], None], turn: Turn | None = None) -> None:
        """Begin a call with `head`, which may have a body behind it, now or when a turn ends."""
        self._forget()
        self._news = news
        if turn:
            self._held = head
            turn.ends_with(self._send_held)
        else:
            self.write(head)

    def _send_held(self) -> None:
        held, self._held = self._held, b""
        self.write(held)

    def write(self, data: bytes) -> None:
        """Send more of the request."""
        if self.transport and not self.is_lost:
            self.transport.write(data)

    def pour_into(self, sink: Sink) -> None:
        """Hand what came of the body, and what comes, to `sink`."""
        self._sink = sink
        for chunk in self.body:
            sink(chunk)
        self.body.clear()

    def pause(self) -> None:
        """Stop reading until `resume`."""
        if self.transport and not self._is_reading_paused and not self.is_lost:
            self._is_reading_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self.transport and self._is_reading_paused and not self.is_lost:
            self._is_reading_paused = False
            self.transport.resume_reading()

    def rest(self) -> bool:
        """End the call; whether the connection is good for another."""
        self._news = self._sink = None
        self.body.clear()
        if self.is_complete and self.is_kept and not self.is_lost and not self.is_write_paused:
            self.resume()
            return True
        self.abort()
        return False

    def abort(self) -> None:
        """End the connection, whatever is on its way."""
        self.is_lost = True
        if self.transport:
            self.transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER)
        line = transport.get_extra_info("socket")
        if line is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)

    def data_received(self, data: bytes) -> None:
        if self._news is None or self.is_complete:
            self.is_kept = False
            self.abort()  # nobody asked: whoever asks next must not be answered with this
            return
        if self.is_tunnel:
            self.on_body(data)
            return
        if not self.is_head_over:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._tunnel(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.abort()
            return
        if not self.is_head_over and self._head_bytes > MAX_HEAD_BYTES:
            self.abort()
        self._tell()

    def eof_received(self) -> bool:
        if self.is_head_over and self.length is None and not self._is_chunked:
            self.is_complete = True  # the end of the connection is the end of this answer
            self._tell()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - gone is gone
        self.is_lost = True
        self._left(self)
        if self._news:
            self._news()

    def pause_writing(self) -> None:
        self.is_write_paused = True

    def resume_writing(self) -> None:
        self.is_write_paused = False
        if self._news:
            self._news()

    def _tunnel(self, rest: bytes) -> None:
        """What follows is no HTTP; only a 101 may say so."""
        if not self.is_tunnel:
            self.abort()
        elif rest:
            self.on_body(rest)

    def _tell(self) -> None:
        """Say that something is new, unless it is only more of a short answer."""
        if self._news and (self.is_complete or (not self._sink and (self.is_ready or self.hints))):
            self._news()
