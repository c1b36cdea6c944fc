"""A client's connection: uvicorn's, except that what is passed on never becomes ASGI.

uvicorn keeps the server, the parser (llhttp), the order of pipelined requests, and WebSockets. This
adds what a public door needs: a clock for clients that do not finish, trailers kept apart from
headers, an answer for who closes one side only, and no hurry when the door closes.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from libs.common.clock import monotonic
from libs.common.errors import AppError, BadRequest
from services.gateway.domain.asking import Asked
from services.gateway.domain.refusals import UpgradeRefused
from services.gateway.proxy.exchange import Exchange
from services.gateway.proxy.narrow import Narrow
from services.gateway.proxy.outbound import Outbound

if TYPE_CHECKING:
    from services.gateway.proxy.front import Front

MAX_HEAD_BYTES = 96 * 1024
HIGH_WATER = 64 * 1024
HALF_CLOSED_SECONDS = 1.0
"""Who closed its side gets an answer that comes as soon as that; the others have left."""
LINGER_SECONDS = 1.0
MAX_PIPELINED = 8
"""Requests read ahead of their turn; who is not read from at all cannot be seen to leave."""
NEVER = float("inf")
VERSIONS = frozenset({"1.0", "1.1"})
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
MALFORMED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Door(HttpToolsProtocol):
    """One connection of a client."""

    front: "Front"
    cycle: Any
    """The request that was read last: ours, or uvicorn's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.front = self.config.app.front  # type: ignore[union-attr]
        self.until = NEVER
        """When the sweeper ends the connection."""
        self._head_bytes = 0
        self._is_in_head = False
        self._is_leaving = False
        self._is_deaf = False
        self._is_closing = False
        self._patience = 0
        self.answering: Exchange | None = None
        self._own: Any = None
        """The cycle of uvicorn's that is being answered, when it is not one of ours."""
        self._rest = b""
        self._sink: Callable[[bytes], None] | None = None
        """Who takes what comes, when it is no request any more."""
        self._narrow: Narrow
        self._is_narrow = False
        self._held = b""
        """The end of what is said here, until this turn ends or more is to be said."""
        self.takes_much = False
        """Whether there is somebody to take what comes, as fast as it comes."""

    # asyncio.Protocol

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._narrow = Narrow(self)
        self._read_narrowly(True)
        self.until = monotonic() + self.front.head_seconds
        self.front.doors.add(self)
        if len(self.front.doors) > self.front.max_connections:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.front.doors.discard(self)
        self.pipeline.clear()
        self.cycle = self._own
        super().connection_lost(exc)
        if self.answering:
            self.answering.gone()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Its side is closed: it may still wait for the answer it asked for, or be gone."""
        self._send_held()
        if self._sink or not self._is_owed:
            return False
        self.cycle.keep_alive = False
        self.loop.call_later(HALF_CLOSED_SECONDS, self._go)
        return True

    @property
    def _is_owed(self) -> bool:
        """Whether all of a request came, and not all of its answer went."""
        if self.answering:
            return self.answering.inbound.is_complete
        return self._own is not None and not self._own.more_body

    def _go(self) -> None:
        if self.answering:
            self.answering.gone()
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._held:
            self._send_held()
        if self._sink:
            self._sink(data)
            return
        if self._is_in_head or not self.answering:
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._bare(TOO_LARGE)

    def pause_writing(self) -> None:
        super().pause_writing()
        if not self.answering:
            self.until = monotonic() + self.front.idle_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.answering:
            self.answering.writable()

    # httptools

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._is_in_head = True
        self.until = monotonic() + self.front.head_seconds

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = self.parser.get_http_version() != "1.0"
            self.headers.append((name, value))
        elif isinstance(self.cycle, Exchange) and not self._is_deaf:
            self.cycle.inbound.trail((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._head_bytes = 0
        self.until = NEVER
        if self.cycle and not self.cycle.keep_alive:
            self._is_deaf = True  # the answer before this one is the last
            return
        if self.front.is_own(self.url):
            self._pass_to_uvicorn()
            return
        before, self.cycle = self.cycle, self._exchange()
        if self.cycle.asked.length != 0:
            self.flow.pause_reading()  # whose body it is decides whether it is read
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.pipeline.appendleft((self.cycle, self.app))
            if len(self.pipeline) >= MAX_PIPELINED:
                self.flow.pause_reading()

    def _pass_to_uvicorn(self) -> None:
        """Begin the message again as uvicorn would have, and leave it to that."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        self.headers += headers
        super().on_headers_complete()

    def _exchange(self) -> Exchange:
        parser = self.parser
        method = parser.get_method().decode("ascii")
        version = parser.get_http_version()
        is_http_1_0 = version == "1.0"
        is_upgrade = parser.should_upgrade()
        is_last = is_http_1_0 or is_upgrade or self._is_leaving
        out = Outbound(
            self.transport,
            is_head=method == "HEAD",
            is_http_1_0=is_http_1_0,
            is_kept=not is_last and parser.should_keep_alive(),
        )
        asked = Asked(method, self.client[0] if self.client else "")
        refused: AppError | None = None
        try:
            asked.read(self.url, self.headers)
            if version not in VERSIONS:
                refused = BadRequest("This speaks HTTP/1.1.")
            elif is_upgrade and (asked.length != 0 or is_http_1_0):
                refused = UpgradeRefused("This becomes no other protocol.")
        except AppError as error:
            refused = error
        return Exchange(self, asked, out, refused)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, Exchange):
            self.answering, self._own = cycle, None
            cycle.begin()
        else:
            self.answering, self._own = None, cycle
            super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        if self._is_deaf:
            return
        if isinstance(self.cycle, Exchange):
            self.cycle.feed(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_deaf:
            return
        if isinstance(self.cycle, Exchange):
            if not self.cycle.inbound.is_complete:
                self.cycle.fed()
        else:
            super().on_message_complete()

    def _should_upgrade(self) -> bool:
        return self.front.is_own(self.url) and super()._should_upgrade()

    def _upgrade(self, rest: bytes) -> None:
        """What follows is no HTTP: a WebSocket of ours, or one that a service may agree to."""
        if self._should_upgrade():
            self.front.doors.discard(self)
            self.handle_websocket_upgrade()
        else:
            self._rest += rest
            self.flow.pause_reading()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's own words
        """What is no HTTP is refused, unless an answer is under way: then that is the last."""
        if self.answering:
            self.answering.keep_alive = False
            if not self.answering.inbound.is_complete:
                self.answering.fail(BadRequest("The body is malformed."))
            self.flow.pause_reading()
        elif not self.transport.is_closing():
            self._bare(MALFORMED)

    # What an exchange does.

    def welcome_body(self) -> None:
        """Let a client send, and tell it if it asked whether it may."""
        self.flow.resume_reading()
        is_awaited = self.answering is not None and not self.answering.inbound.is_complete
        if is_awaited and self.expect_100_continue and not self.transport.is_closing():
            self.expect_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def write_later(self, answer: bytes) -> None:
        """Write all of an answer when the turn ends."""
        self._held = answer
        self.front.turn.ends_with(self._send_held)

    def _send_held(self) -> None:
        held, self._held = self._held, b""
        if held and not self.transport.is_closing():
            self.transport.write(held)

    def tunnel_into(self, sink: Callable[[bytes], None]) -> None:
        """Hand all that comes from here on to `sink`."""
        self._sink = sink
        self.takes_much = True
        if self._rest:
            sink(self._rest)
        self.flow.resume_reading()

    def answered(self, exchange: Exchange) -> None:
        """Go on with the next request, or close."""
        self.answering = None
        self.takes_much = False
        if exchange.task:
            self.tasks.discard(exchange.task)
        if self.transport.is_closing():
            return
        if exchange.keep_alive and exchange.inbound.is_complete and exchange.out.is_complete:
            self._read_narrowly(exchange.asked.principal is None)
            self.on_response_complete()
        elif exchange.out.is_complete:
            self._linger(exchange.patience)
        else:
            self.transport.abort()

    def _read_narrowly(self, is_so: bool) -> None:
        """Read little at a time from strangers; who was let in a moment ago is none."""
        if is_so != self._is_narrow:
            self._is_narrow = is_so
            self.transport.set_protocol(self._narrow if is_so else self)

    def on_response_complete(self) -> None:
        self.answering = self._own = None
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._send_held()
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.until = monotonic() + self.front.keep_alive_seconds

    # The clock, and the end.

    def tire(self) -> None:
        """It took too long: an unfinished head is told so, a quiet connection is not."""
        self._send_held()
        if self._is_in_head and not self._is_closing:
            self._bare(TOO_SLOW)
        else:
            self.transport.abort()

    def _bare(self, answer: bytes) -> None:
        if self.answering or self._own:
            (self.answering or self._own).keep_alive = False
            self.flow.pause_reading()
            return
        self.transport.write(answer)
        self._linger()

    def _linger(self, patience: int = 0) -> None:
        """Close our side, and give the other a moment to read what it was told.

        What it still sends is thrown away, up to `patience` bytes of it.
        """
        self._is_closing = True
        self._sink = self._discard
        self._patience = patience
        if patience > 0:
            self.flow.resume_reading()
        else:
            self.flow.pause_reading()
        self.until = monotonic() + LINGER_SECONDS
        self.transport.write_eof()

    def _discard(self, data: bytes) -> None:
        self._patience -= len(data)
        if self._patience < 0:
            self.flow.pause_reading()

    def leave(self) -> None:
        """Answer what comes, and let each answer be the last of its connection."""
        self._is_leaving = True
        if self.cycle and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """uvicorn's: the door is closed now."""
        self._send_held()
        self.leave()
        if self._sink and self.answering:
            self.answering.gone()
        elif not self.cycle or self.cycle.response_complete:
            self.transport.close()
