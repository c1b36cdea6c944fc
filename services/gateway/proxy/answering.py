"""What is answered on a client's connection: one request after the other, as they came."""

from collections.abc import Callable
from typing import Any

from libs.common.clock import monotonic
from services.gateway.proxy.exchange import Exchange
from services.gateway.proxy.narrow import Narrow
from services.gateway.proxy.parting import Parting


class Answering(Parting):
    """A connection whose requests take turns."""

    _narrow: Narrow

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.takes_much = False
        """Whether there is somebody to take what comes, as fast as it comes."""
        self._is_narrow = False
        self._rest = b""
        """What came behind a request to speak another protocol."""

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """uvicorn's: it is this one's turn."""
        if isinstance(cycle, Exchange):
            self.answering, self._own = cycle, None
            cycle.begin()
        else:
            self.answering, self._own = None, cycle
            super()._start_asgi_task(cycle, app)

    def welcome_body(self) -> None:
        """Let a client send, and tell it if it asked whether it may."""
        self.flow.resume_reading()
        is_awaited = self.answering is not None and not self.answering.inbound.is_complete
        if is_awaited and self.expect_100_continue and not self.transport.is_closing():
            self.expect_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def tunnel_into(self, sink: Callable[[bytes], None]) -> None:
        """Hand all that comes from here on to `sink`."""
        self._sink = sink
        self.takes_much = True
        if self._rest:
            sink(self._rest)
        self.flow.resume_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        if not self.answering:
            self.until = monotonic() + self.front.idle_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.answering:
            self.answering.writable()

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

    def on_response_complete(self) -> None:
        """uvicorn's: the next one's turn, or nobody's."""
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

    def _read_narrowly(self, is_so: bool) -> None:
        """Read little at a time from strangers; who was let in a moment ago is none."""
        if is_so != self._is_narrow:
            self._is_narrow = is_so
            self.transport.set_protocol(self._narrow if is_so else self)
