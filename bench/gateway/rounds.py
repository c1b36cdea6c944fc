"""Small answers: every front in turn, round after round, so that a slow moment hits all alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.gateway.cores import busy_seconds
from bench.gateway.fronts import BARE, DIRECT, ES256, NGINX, OURS, Field, Front
from bench.gateway.load import Load, Spoiled
from bench.gateway.paths import SMALL
from bench.processes import cpu_seconds

CONNECTIONS = (1, 32)
FRONTS = (DIRECT, NGINX, ES256, BARE, OURS)
MICROS = 1_000_000
SETTLE_SECONDS = 0.5
"""What was counted is handed over in sums."""
MOST = 0.8
"""A log may be written in batches."""


@dataclass(frozen=True)
class Plan:
    """How long, and how often."""

    rounds: int
    seconds: int
    ours_seconds: int
    """The gateway remembers a verified token for a minute: in the first run each of the thousand is
    verified, and in one or two of the later ones again, as in steady state."""
    body_rounds: int
    body_seconds: int


@dataclass(frozen=True)
class Small:
    """One run of small answers through one front."""

    requests: int
    rate: float
    p50: float
    p99: float
    cpu: float
    """Microseconds of CPU the front took for a request."""
    strangers: float
    """The share of its core that others took meanwhile."""


Runs = dict[str, list[Small]]
"""By front, one for each round."""


def measure(field: Field, load: Load, plan: Plan) -> dict[int, Runs]:
    """Small answers, by connections."""
    found: dict[int, Runs] = {number: {} for number in CONNECTIONS}
    for _ in range(plan.rounds):
        began, sent = field.ours.observed(), 0
        for number, runs in found.items():
            for name in FRONTS:
                seconds = plan.ours_seconds if name == OURS else plan.seconds
                run = _run(field.fronts[name], load, number, seconds)
                runs.setdefault(name, []).append(run)
                sent += run.requests if name == OURS else 0
        time.sleep(SETTLE_SECONDS)
        _check(field.ours.observed() - began, field.ours.lines_logged(), sent)
        field.ours.forget_log()
    return found


def middle(runs: Runs, front: str, of: Callable[[Small], float]) -> float:
    """The median of one figure of a front."""
    return median(of(run) for run in runs[front])


def against(runs: Runs, front: str, other: str, compare: Callable[[Small, Small], float]) -> float:
    """The median over the rounds of what two fronts' figures of one round give."""
    return median(compare(*pair) for pair in zip(runs[front], runs[other], strict=True))


def _run(front: Front, load: Load, connections: int, seconds: int) -> Small:
    core = load.cores.front
    before, busy = cpu_seconds(front.pids), busy_seconds(core)
    result = load.run(front.url(SMALL), connections=connections, seconds=seconds)
    spent, busy = cpu_seconds(front.pids) - before, busy_seconds(core) - busy
    # The upstream alone runs elsewhere: whoever is on the fronts' core then is a stranger.
    strangers = busy if front.name == DIRECT else busy - spent
    return Small(
        requests=result.requests,
        rate=result.rate,
        p50=result.p50,
        p99=result.p99,
        cpu=spent / result.requests * MICROS,
        strangers=max(0.0, strangers) / result.seconds,
    )


def _check(counted: float, logged: int, sent: int) -> None:
    """Raises Spoiled unless every request was counted, and logged but for what waits to be."""
    if counted < sent or logged < sent * MOST:
        raise Spoiled(f"ours answered {sent} requests, counted {counted:.0f}, logged {logged}")
