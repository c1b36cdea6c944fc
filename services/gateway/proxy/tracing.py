"""A door whose requests are spans: each begins a trace, or goes on with its client's.

Where nobody asks for traces `create_app` takes plain doors, which know nothing of this.
"""

from typing import Any

from opentelemetry.trace import INVALID_SPAN, Span

from libs.common.telemetry import begin_span, traceparent
from services.gateway.proxy.door import Door
from services.gateway.proxy.exchange import Exchange


class TracingDoor(Door):
    """One connection of a client, one span at a time."""

    _span: Span = INVALID_SPAN

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, Exchange):
            asked = cycle.asked
            self._span = begin_span(f"{asked.method} gateway", parent=asked.traceparent.decode())
            asked.traceparent = (traceparent(self._span) or "").encode()
        super()._start_asgi_task(cycle, app)

    def answered(self, exchange: Exchange) -> None:
        self._span.end()
        super().answered(exchange)
