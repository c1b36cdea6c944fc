"""S3-08: the histograms the door fills by hand are the ones the library would have filled."""

import random
from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Histogram
from prometheus_client.core import Metric

from services.gateway.proxy.timings import BOUNDS, Tally, Timings

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
ROUTES = {"/things": "grievance", "/things/{thing_id}": "grievance", "/files": "files"}


def samples(metrics: Iterable[Metric]) -> Samples:
    """Name and labels of each sample, and its value; when it was made is left out."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in metrics
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


def assert_same(found: Samples, wanted: Samples) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert abs(found[name] - value) < 1e-9 * max(1.0, value), name


def durations(dice: random.Random, count: int) -> list[float]:
    """Bounds themselves, their neighbours, and whatever lies between."""
    edges = [0.0, *BOUNDS, *(bound * 1.000001 for bound in BOUNDS), 3600.0]
    return [*edges, *(10 ** dice.uniform(-5, 2.5) for _ in range(count))]


def test_buckets_and_sums_are_those_of_the_library() -> None:
    dice = random.Random(6)  # noqa: S311
    registry = CollectorRegistry()
    given = {"buckets": BOUNDS, "registry": registry}
    whole = Histogram("redress_gateway_seconds", "w", ["route"], **given)  # type: ignore[arg-type]
    asked = Histogram("redress_upstream_seconds", "a", ["upstream"], **given)  # type: ignore[arg-type]
    timings = Timings()

    for seconds in durations(dice, 2000):
        route = dice.choice([*ROUTES, "unmatched"])
        key = (dice.choice(["GET", "POST", "PUT"]), route, dice.choice([200, 404, 503]))
        service = ROUTES.get(route)
        upstream_seconds = seconds * dice.random() if service and dice.random() < 0.8 else None
        timings.tallies.setdefault(key, Tally(key, service)).note(seconds, upstream_seconds)
        whole.labels(route).observe(seconds)
        if service and upstream_seconds is not None:
            asked.labels(service).observe(upstream_seconds)

    assert len(timings.tallies) == 3 * 4 * 3
    assert_same(samples(timings.collect()), samples(registry.collect()))


def test_a_route_is_one_histogram_whatever_the_method_and_status() -> None:
    timings = Timings()
    for number, key in enumerate([("GET", "/a", 200), ("GET", "/a", 500), ("PUT", "/a", 200)]):
        tally = timings.tallies[key] = Tally(key, "files")
        tally.note(0.25 * 2**number, 0.125)

    found = samples(timings.collect())

    assert found["redress_gateway_seconds_count", (("route", "/a"),)] == 3
    assert found["redress_gateway_seconds_sum", (("route", "/a"),)] == 1.75
    assert found["redress_gateway_seconds_bucket", (("le", "0.25"), ("route", "/a"))] == 1
    assert found["redress_upstream_seconds_count", (("upstream", "files"),)] == 3
    assert found["redress_upstream_seconds_sum", (("upstream", "files"),)] == 0.375


def test_services_are_told_apart_and_what_asked_nobody_is_of_none() -> None:
    timings = Timings()
    for route, service in [("/a", "files"), ("/b", "files"), ("/c", "chat"), ("/d", None)]:
        key = ("GET", route, 200)
        tally = timings.tallies[key] = Tally(key, service)
        tally.note(1.0, 0.5 if service else None)

    found = samples(timings.collect())

    counts = {labels: value for (name, labels), value in found.items() if name.endswith("_count")}
    assert counts[("upstream", "files"),] == 2
    assert counts[("upstream", "chat"),] == 1
    assert sum(labels[0][0] == "upstream" for labels in counts) == 2
    assert counts[("route", "/d"),] == 1


def test_collecting_twice_changes_nothing() -> None:
    timings = Timings()
    key = ("GET", "/a", 200)
    timings.tallies[key] = Tally(key, "files")
    timings.tallies[key].note(0.01, 0.005)

    assert samples(timings.collect()) == samples(timings.collect())


def test_what_is_described_is_what_is_collected() -> None:
    timings = Timings()

    described = [(each.name, each.type) for each in timings.describe()]

    assert described == [(each.name, each.type) for each in timings.collect()]


def test_each_request_is_handed_over_once() -> None:
    def counted() -> float:
        labels = {"service": "gateway", "method": "GET", "route": "/handed-over", "status": "200"}
        return REGISTRY.get_sample_value("redress_requests_total", labels) or 0.0

    tally = Tally(("GET", "/handed-over", 200), "files")
    before = counted()
    tally.hand_over()
    seen = [counted() - before]

    for more in (3, 0, 2):
        for _ in range(more):
            tally.note(0.01, None)
        tally.hand_over()
        tally.hand_over()
        seen.append(counted() - before)

    assert seen == [0, 3, 3, 5]
