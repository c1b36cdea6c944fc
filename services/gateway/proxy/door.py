"""A client's connection: uvicorn's, except that what is passed on never becomes ASGI.

uvicorn keeps the server, the parser (llhttp), the order of pipelined requests, and WebSockets. This
adds what a public door needs: a clock for clients that do not finish, trailers kept apart from
headers, an answer for who closes one side only, and no hurry when the door closes.

Here is what is read; what is answered is in `answering`, how it ends in `parting`.
"""

from typing import Any

import httptools

from libs.common.clock import monotonic
from libs.common.errors import AppError, BadRequest
from services.gateway.domain.asking import Asked
from services.gateway.domain.refusals import UpgradeRefused
from services.gateway.proxy.answer import VERSIONS
from services.gateway.proxy.answering import Answering
from services.gateway.proxy.exchange import Exchange
from services.gateway.proxy.narrow import Narrow
from services.gateway.proxy.outbound import Outbound
from services.gateway.proxy.parting import MALFORMED, NEVER, TOO_LARGE

MAX_HEAD_BYTES = 96 * 1024
HIGH_WATER = 64 * 1024
MAX_PIPELINED = 8
"""Requests read ahead of their turn; who is not read from at all cannot be seen to leave."""


class Door(Answering):
    """One connection of a client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._is_deaf = False

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
            self._refuse(TOO_LARGE)

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
            self._refuse(MALFORMED)
