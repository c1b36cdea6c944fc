"""What is known of a request afterwards: one line in the log, and its place in the metrics."""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from libs.common.clock import monotonic
from libs.common.logging import AccessLog
from libs.common.telemetry import REQUESTS
from services.gateway.proxy.exchange import Exchange

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
REFUSALS = Counter(
    "redress_gateway_refusals", "Requests the door itself refused, by reason.", ["route", "code"]
)


class Timings(Collector):
    """A histogram by one label, filled by one thread: a third of the library's price."""

    def __init__(self, name: str, text: str, label: str) -> None:
        self._name = name
        self._text = text
        self._label = label
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        REGISTRY.register(self)

    def describe(self) -> list[HistogramMetricFamily]:
        """Its name alone."""
        return [HistogramMetricFamily(self._name, self._text, labels=[self._label])]

    def observe(self, value: str, seconds: float) -> None:
        """One more of `value`."""
        counts = self._counts.get(value)
        if counts is None:
            counts = self._counts[value] = [0] * (len(BOUNDS) + 1)
            self._sums[value] = 0.0
        counts[bisect_left(BOUNDS, seconds)] += 1
        self._sums[value] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What Prometheus reads."""
        family = HistogramMetricFamily(self._name, self._text, labels=[self._label])
        for value, counts in list(self._counts.items()):
            total = 0
            buckets = []
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
                total += count
                buckets.append((bound, float(total)))
            family.add_metric([value], buckets, self._sums[value])
        yield family


SECONDS = Timings(
    "redress_gateway_seconds", "Seconds from the head of a request to the end of it.", "route"
)
UPSTREAM_SECONDS = Timings(
    "redress_upstream_seconds",
    "Seconds from asking a service to the beginning of its answer.",
    "upstream",
)


class Observer:
    """Counts and logs exchanges."""

    def __init__(self) -> None:
        self._log = AccessLog("request.answered", service="gateway")
        self._counters: dict[tuple[str, str, int], Counter] = {}

    def saw(self, exchange: Exchange) -> None:
        """Note how it went."""
        asked, refused = exchange.asked, exchange.refused
        route, status = exchange.route, exchange.status
        seconds = monotonic() - exchange.started
        key = (asked.method, route, status)
        counter = self._counters.get(key)
        if counter is None:
            counter = REQUESTS.labels("gateway", asked.method, route, str(status))
            self._counters[key] = counter
        counter.inc()
        SECONDS.observe(route, seconds)
        if exchange.upstream_seconds is not None and asked.entry:
            UPSTREAM_SECONDS.observe(asked.entry.service, exchange.upstream_seconds)
        line: dict[str, object] = {
            "request_id": exchange.request_id,
            "method": asked.method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
            "bytes_in": exchange.inbound.taken,
            "bytes_out": exchange.out.sent,
        }
        if asked.principal:
            line["principal"] = asked.principal.id
            line["role"] = asked.principal.role
        if asked.traceparent:
            line["trace_id"] = asked.traceparent[3:35].decode()
        if refused:
            line["code"] = refused.code
            REFUSALS.labels(route, refused.code).inc()
        self._log.line(line)
