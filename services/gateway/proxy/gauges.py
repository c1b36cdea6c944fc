"""How busy the door and each service are: read when Prometheus asks, never kept."""

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from services.gateway.domain.breaking import State
from services.gateway.proxy.upstream import Upstream

OPEN = {State.CLOSED: 0.0, State.HALF_OPEN: 0.5, State.OPEN: 1.0}


class Gauges(Collector):
    """What the doors and upstreams of one gateway know of themselves."""

    def __init__(self, upstreams: Iterable[Upstream], doors: Sized) -> None:
        self._upstreams = tuple(upstreams)
        self._doors = doors

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: a name that is claimed is one gateway's alone, and a process may have two."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """What Prometheus reads."""
        yield GaugeMetricFamily(
            "redress_gateway_connections",
            "Connections of clients, but for WebSockets.",
            value=len(self._doors),
        )
        one = ["upstream"]
        calls = GaugeMetricFamily(
            "redress_gateway_calls",
            "Calls a service has: short ones, and held ones that last.",
            labels=[*one, "kind"],
        )
        waiting = GaugeMetricFamily(
            "redress_gateway_waiting", "Short calls that wait for their turn.", labels=one
        )
        shed = CounterMetricFamily(
            "redress_gateway_shed", "Calls refused because a service had too many.", labels=one
        )
        is_open = GaugeMetricFamily(
            "redress_gateway_breaker_open",
            "1 while a service is left alone, 0.5 while the next call tries it, 0 otherwise.",
            labels=one,
        )
        opened = CounterMetricFamily(
            "redress_gateway_breaker_opened",
            "Times a breaker opened, failed tries included.",
            labels=one,
        )
        for each in self._upstreams:
            name = [each.name]
            calls.add_metric([*name, "short"], each.slots.in_flight)
            calls.add_metric([*name, "held"], each.held.in_flight)
            waiting.add_metric(name, each.slots.waiting)
            shed.add_metric(name, each.slots.shed + each.held.shed)
            is_open.add_metric(name, OPEN[each.breaker.state])
            opened.add_metric(name, each.breaker.opened)
        yield from (calls, waiting, shed, is_open, opened)


@contextmanager
def shown(upstreams: Iterable[Upstream], doors: Sized = ()) -> Iterator[None]:
    """Let Prometheus see `upstreams` and how many `doors` are open while the block runs."""
    gauges = Gauges(upstreams, doors)
    REGISTRY.register(gauges)
    try:
        yield
    finally:
        REGISTRY.unregister(gauges)
