"""Traces (OpenTelemetry, W3C Trace Context) and the metrics every program counts.

Labels are templates, codes and names of our own: never a path, an id or a word of a citizen.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram

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
PEER_CALLS = Counter(
    "redress_peer_calls", "Calls to other services.", ["service", "peer", "outcome"]
)


def start_tracing(*, ratio: float, otlp_endpoint: str | None) -> None:
    """Sample `ratio` of new traces; send spans to `otlp_endpoint` when one is named."""
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(ratio)))
    if otlp_endpoint:
        # Optional extra: an installation that exports spans installs the exporter.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # type: ignore[import-not-found]  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(otlp_endpoint)))
    trace.set_tracer_provider(provider)


def traceparent() -> str | None:
    """The current span as a `traceparent` value, or None outside any span."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def trace_id() -> str | None:
    """The current trace's id in hex, or None outside any span."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


@contextmanager
def span(
    name: str, *, parent: str | None = None, kind: SpanKind = SpanKind.INTERNAL
) -> Iterator[Span]:
    """Run the block inside a span that continues `parent` (a `traceparent` value), if any."""
    context: Context | None = _propagator.extract({"traceparent": parent}) if parent else None
    with _tracer.start_as_current_span(
        name, context=context, kind=kind, record_exception=False, set_status_on_exception=False
    ) as current:
        yield current
