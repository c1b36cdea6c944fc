"""Traces (OpenTelemetry, W3C Trace Context) and the metrics every program counts.

Labels are templates, codes and names of our own: never a path, an id or a word of a citizen.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram

EXPORT_SECONDS = 10.0
_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("redress")

REQUESTS = Counter(
    "redress_requests", "Requests answered.", ["service", "method", "route", "status"]
)
REQUEST_SECONDS = Histogram(
    "redress_request_seconds",
    "Seconds from the first byte in to the last byte out.",
    ["service", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
EVENTS_PUBLISHED = Counter("redress_events_published", "Events the bus confirmed.", ["service"])
EVENTS_HANDLED = Counter(
    "redress_events_handled", "Deliveries by what became of them.", ["service", "topic", "outcome"]
)
OUTBOX_LAG = Gauge(
    "redress_outbox_unpublished", "Events written and not yet confirmed.", ["service"]
)
PURGED = Counter(
    "redress_purged", "What was kept as long as its rule says, and deleted.", ["service", "kind"]
)
PEER_CALLS = Counter(
    "redress_peer_calls", "Calls to other services.", ["service", "peer", "outcome"]
)


class Collector(SpanExporter):
    """Whoever gathers spans (OTLP/HTTP, JSON), told of names, ids and times and nothing besides."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._http = httpx2.Client(timeout=EXPORT_SECONDS, trust_env=False)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send `spans` once; what a collector that is away does not hear is lost."""
        service = {"key": "service.name", "value": {"stringValue": "redress"}}
        told = [_told(each) for each in spans]
        scope = {"scope": {"name": "redress"}, "spans": told}
        body = {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [scope]}]}
        try:
            answer = self._http.post(self._endpoint, json=body)
        except httpx2.HTTPError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS if answer.is_success else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Let go of the connections."""
        self._http.close()


def _told(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context() or trace.INVALID_SPAN_CONTEXT
    told = {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
    }
    return told | ({"parentSpanId": f"{span.parent.span_id:016x}"} if span.parent else {})


def start_tracing(*, ratio: float, otlp_endpoint: str | None) -> None:
    """Sample `ratio` of new traces; send spans to `otlp_endpoint` when one is named.

    The endpoint is the whole URL: `http://collector:4318/v1/traces`.
    """
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(ratio)))
    if otlp_endpoint:
        provider.add_span_processor(BatchSpanProcessor(Collector(otlp_endpoint)))
    trace.set_tracer_provider(provider)


def traceparent(of: Span | None = None) -> str | None:
    """`of`, or else the current span, as a `traceparent` value; None outside any span."""
    context = (of or trace.get_current_span()).get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def trace_id() -> str | None:
    """The current trace's id in hex, or None outside any span."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


@contextmanager
def span(
    name: str, *, parent: str | None = None, kind: SpanKind = SpanKind.INTERNAL
) -> Iterator[Span]:
    """Run the block inside a span that continues `parent` (a `traceparent` value), if any."""
    with _tracer.start_as_current_span(
        name,
        context=_continuing(parent),
        kind=kind,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        yield current


def begin_span(name: str, *, parent: str | None = None) -> Span:
    """A span that continues `parent` or begins a trace; it lasts until `end`, around no block."""
    context = _continuing(parent) or Context()
    return _tracer.start_span(name, context=context, kind=SpanKind.SERVER)


def _continuing(parent: str | None) -> Context | None:
    return _propagator.extract({"traceparent": parent}) if parent else None
