"""How long requests take, as histograms filled by one thread: a third of the library's price."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import REGISTRY
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from libs.common.telemetry import REQUESTS

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
LABELS = (*map(str, BOUNDS), "+Inf")

Key = tuple[str, str, int]
"""Method, route and status."""


class Sample:
    """A histogram's numbers."""

    def __init__(self) -> None:
        self.counts = [0] * len(LABELS)
        self.seconds = 0.0

    def add(self, other: "Sample") -> None:
        """Take another one in."""
        self.counts = list(map(sum, zip(self.counts, other.counts, strict=True)))
        self.seconds += other.seconds

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus has them: each one holds what the ones before it hold."""
        return list(zip(LABELS, map(float, accumulate(self.counts)), strict=True))


class Tally:
    """What is known of the requests of one method to one route that were answered alike."""

    def __init__(self, key: Key, service: str | None) -> None:
        self.method, self.route, self.status = key
        self.service = service
        """Who is behind that route."""
        self.fresh = 0
        """How many were not handed over yet."""
        self.whole, self.asked = Sample(), Sample()

    def note(self, seconds: float, upstream_seconds: float | None) -> None:
        """One more of them."""
        self.fresh += 1
        whole = self.whole
        whole.counts[bisect_left(BOUNDS, seconds)] += 1
        whole.seconds += seconds
        if upstream_seconds is not None:
            asked = self.asked
            asked.counts[bisect_left(BOUNDS, upstream_seconds)] += 1
            asked.seconds += upstream_seconds

    def hand_over(self) -> None:
        """Count them where all programs count: a sum costs no more than one."""
        fresh, self.fresh = self.fresh, 0
        if fresh:
            labels = ("gateway", self.method, self.route, str(self.status))
            REQUESTS.labels(*labels).inc(fresh)


class Timings(Collector):
    """The tallies of this process."""

    def __init__(self) -> None:
        self.tallies: dict[Key, Tally] = {}

    def describe(self) -> list[HistogramMetricFamily]:
        """Their names alone."""
        return [_family(), _upstream_family()]

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What Prometheus reads."""
        tallies = list(self.tallies.values())
        yield _filled(_family(), ((each.route, each.whole) for each in tallies))
        asked = ((each.service, each.asked) for each in tallies if each.service)
        yield _filled(_upstream_family(), asked)


def _family() -> HistogramMetricFamily:
    text = "Seconds from the head of a request to the end of it."
    return HistogramMetricFamily("redress_gateway_seconds", text, labels=["route"])


def _upstream_family() -> HistogramMetricFamily:
    text = "Seconds from asking a service to the beginning of its answer."
    return HistogramMetricFamily("redress_upstream_seconds", text, labels=["upstream"])


def _filled(
    family: HistogramMetricFamily, samples: Iterable[tuple[str, Sample]]
) -> HistogramMetricFamily:
    sums: dict[str, Sample] = {}
    for label, sample in samples:
        sums.setdefault(label, Sample()).add(sample)
    for label, found in sums.items():
        family.add_metric([label], found.buckets(), found.seconds)
    return family


TIMINGS = Timings()
REGISTRY.register(TIMINGS)
