"""A kept connection to a service: one call at a time, its answer parsed by llhttp.

What the service sends is believed as little as what a client sends: a head has a size, framing that
two readers could read differently breaks the connection, and what comes unasked ends it.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import httptools

from services.gateway.domain.breaking import AWAY, is_failure
from services.gateway.domain.headers import RETURNED, Header, Lines
from services.gateway.proxy.turn import Turn

MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 200
FEW_BYTES = 4 * MAX_FIELDS
"""Too few for a head to be too large in any way."""
MAX_HINTS = 16
SHORT = 64 * 1024
"""An answer that says it is no longer than this is handed on in one piece."""
HIGH_WATER = 64 * 1024
RECEIVED = 128 * 1024
"""What the system may hold for us of an answer that a slow client does not take; left to itself it
takes megabytes for each."""
SWITCHING = 101
EARLY_HINTS = 103
FIRST_FINAL = 200
VERSIONS = frozenset({"1.0", "1.1"})
BODILESS = frozenset({204, 304})
PIECES = 4
"""Of a header line: name, colon, value, end."""

Sink = Callable[[bytes], None]


class Connection(asyncio.Protocol):
    """The answer to the call under way, as far as it came; `news` is called when there is more."""

    def __init__(self, *, left: Callable[["Connection"], None]) -> None:
        self._left = left
        self.transport: asyncio.Transport | None = None
        self.is_lost = False
        self.is_write_paused = False
        self.idle_since = 0.0
        self.is_tunnel = False
        self.body: list[bytes] = []
        self._news: Callable[[], None] | None = None
        self._sink: Sink | None = None
        self._held = b""
        self._is_reading_paused = False
        self._parser = httptools.HttpResponseParser(self)
        self._forget()

    def _forget(self) -> None:
        self.status = 0
        self.returned: list[bytes] = []
        """The header lines a client gets, in pieces."""
        self.fields: list[Header] = []
        """The other headers: they are between a service and us."""
        self.hints: tuple[Lines, ...] = ()
        """The links of answers that said there is more to come."""
        self.trailers: tuple[Header, ...] = ()
        self.length: int | None = None
        self.taken = 0
        """Bytes of body so far."""
        self.is_head_over = self.is_complete = self.is_kept = False
        self.is_short = False
        """Whether the whole answer is waited for before any of it is handed on."""
        self._is_chunked = False
        self._head_bytes = self._hints = 0

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

    @property
    def content(self) -> bytes:
        """All that came of the body and was not poured."""
        return self.body[0] if len(self.body) == 1 else b"".join(self.body)

    @property
    def is_ready(self) -> bool:
        """Whether there is something to hand on."""
        is_under_way = self.is_head_over and not self.is_short
        return self.is_complete or is_under_way or self.is_tunnel

    @property
    def is_good(self) -> bool:
        """Whether the answer is one: not that somebody behind the service is away."""
        if self.status not in AWAY:
            return True
        names = self.returned[::PIECES]
        return not is_failure(self.status, has_retry_after=b"retry-after" in names)

    @property
    def is_touched(self) -> bool:
        """Whether the service has said anything to this call."""
        return self._head_bytes > 0

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

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if not self.is_head_over:
            if name in RETURNED:
                self.returned += (name, b": ", value, b"\r\n")
            else:
                self.fields.append((name, value))
        elif len(self.trailers) < MAX_FIELDS:
            self.trailers = (*self.trailers, (name, value))
        else:
            raise ValueError("no end of trailers")

    def on_message_begin(self) -> None:
        if self.is_complete:
            self.is_kept = False
            raise ValueError("more than was asked for")

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser.get_http_version() not in VERSIONS:
            raise ValueError("another protocol")
        self.status = parser.get_status_code()
        if self._head_bytes > FEW_BYTES:
            self._check_size()
        if self.status < FIRST_FINAL:
            self._hint()
            return
        self._read_framing()
        self.is_head_over = True
        self.is_kept = parser.should_keep_alive() and not parser.should_upgrade()

    def _check_size(self) -> None:
        """The head may have come together with some of the body."""
        size = 0
        if self._head_bytes > MAX_HEAD_BYTES:
            size = sum(len(name) + len(value) for name, value in self.fields)
            size += sum(map(len, self.returned))
        count = len(self.fields) + len(self.returned) // PIECES
        if size > MAX_HEAD_BYTES or count > MAX_FIELDS:
            raise ValueError("no end of headers")

    def _read_framing(self) -> None:
        """Where the answer ends, which one header says and no other."""
        for name, value in self.fields:
            if name == b"content-length":
                if self.length is not None:
                    raise ValueError("two lengths")
                self.length = int(value)
            elif name == b"transfer-encoding":
                if value.lower() != b"chunked" or self._is_chunked:
                    raise ValueError("a coding nobody asked for")
                self._is_chunked = True
        is_small = self.length is not None and self.length <= SHORT
        self.is_short = is_small or self.status in BODILESS

    def on_body(self, chunk: bytes) -> None:
        self.taken += len(chunk)
        if self._sink:
            self._sink(chunk)
        else:
            self.body.append(chunk)

    def on_message_complete(self) -> None:
        if self.is_head_over:
            self.is_complete = True

    def _hint(self) -> None:
        self._hints += 1
        if self._hints > MAX_HINTS:
            raise ValueError("nothing but hints")
        if self.status == SWITCHING:
            self.is_tunnel = True
            return
        if self.status == EARLY_HINTS:
            pieces = [
                self.returned[at : at + PIECES] for at in range(0, len(self.returned), PIECES)
            ]
            links = b"".join(b"".join(line) for line in pieces if line[0] == b"link")
            self.hints = (*self.hints, links)
        self.returned, self.fields = [], []

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
