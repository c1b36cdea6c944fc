"""One service frozen, killed, slow or dripping: its callers are told in time, others see nothing.

Fault on and off take turns, so that what else the machine does is in both. Reliability row 40,
goal 5.
"""

import asyncio
import json
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from scripts.siege.asks import ACCESS, Ask, Filing
from scripts.siege.besieged import Besieged, besieged
from scripts.siege.faults import Fault
from scripts.siege.load import P95, Crowd, Sample, by_route, millis
from scripts.siege.reporting import Check, at_most, none_of, noted, say

GRACE_SECONDS = 0.5
MOST_RATIO = 1.5
READ_RATE, FILE_RATE, VICTIM_RATE = 15.0, 4.0, 60.0
"""Requests a second: of each reading route, of filing, of the victim's first route."""
SETTLE_SECONDS = 2.0
BACK_SECONDS, BACK_ROW = 30.0, 3
TOGETHER = "all together"
ROUTE_FLOOR = 20
"""Fewer requests than this have no p95."""


@dataclass(frozen=True)
class Size:
    """How long, how often, and against whom."""

    victims: tuple[str, ...]
    rounds: int
    off_seconds: float
    on_seconds: float
    faster: float = 1.0
    """Deadlines are divided by this, so that a round is shorter."""


FULL = Size(("chat", "grievance"), rounds=5, off_seconds=8.0, on_seconds=13.0)
QUICK = Size(("chat", "grievance"), rounds=2, off_seconds=4.0, on_seconds=5.0, faster=4.0)


@dataclass
class Found:
    """What the rounds of one fault showed."""

    victim: list[Sample] = field(default_factory=list)
    others: list[Sample] = field(default_factory=list)
    ratios: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    back: list[float] = field(default_factory=list)

    def compare(self, quiet: list[Sample], loud: list[Sample]) -> None:
        """Note how much slower the others were, together and route by route."""
        self.ratios[TOGETHER].append(millis(loud, P95) / millis(quiet, P95))
        before, during = by_route(quiet), by_route(loud)
        for name in before.keys() & during.keys():
            if min(len(before[name]), len(during[name])) >= ROUTE_FLOOR:
                self.ratios[name].append(millis(during[name], P95) / millis(before[name], P95))


async def prove(folder: Path, *, is_quick: bool) -> list[Check]:
    """Every fault, on every victim, on one system."""
    size = QUICK if is_quick else FULL
    access = _access(folder, size.faster)
    checks = []
    env = {"GATEWAY_ACCESS_FILE": str(access)}
    async with besieged(folder, size.victims, env) as system:
        asks = system.asks(access).everywhere()
        crowd = Crowd(system.port)
        for victim in size.victims:
            for fault in Fault:
                found = Found()
                for _ in range(size.rounds):
                    await _round(system, crowd, asks, victim, fault, size, found)
                checks += _checks(victim, fault, found)
        crowd.close()
    return checks


def _access(folder: Path, faster: float) -> Path:
    """The gateway's table, with shorter deadlines when it is to be quick."""
    table = json.loads(ACCESS.read_text())
    for entry in table:
        entry["access"]["seconds"] /= faster
    path = folder / "access.json"
    path.write_text(json.dumps(table))
    return path.absolute()


async def _round(
    system: Besieged,
    crowd: Crowd,
    asks: list[Ask],
    victim: str,
    fault: Fault,
    size: Size,
    found: Found,
) -> None:
    await _load(crowd, asks, victim, SETTLE_SECONDS)
    before = await _load(crowd, asks, victim, size.off_seconds)
    await system.strike(victim, fault)
    during = await _load(crowd, asks, victim, size.on_seconds)
    await system.heal(victim, fault)
    found.back.append(await _back(crowd, asks, victim))
    quiet, loud = _of_others(before, victim), _of_others(during, victim)
    found.victim += [sample for sample in during if sample.route.service == victim]
    found.others += loud
    found.compare(quiet, loud)
    say(
        f"{victim} {fault}: others' p95 {millis(quiet, P95):.0f} → {millis(loud, P95):.0f} ms,"
        f" back after {found.back[-1]:.2f} s"
    )


async def _load(crowd: Crowd, asks: list[Ask], victim: str, seconds: float) -> list[Sample]:
    """Everybody calls at a rate of their own, and all answers are waited for."""
    crowd.taken()
    pressed = next(ask for ask in asks if ask.route.service == victim)
    async with asyncio.TaskGroup() as group:
        for ask in asks:
            rate = FILE_RATE if isinstance(ask, Filing) else READ_RATE
            rate = VICTIM_RATE if ask is pressed else rate
            group.create_task(crowd.at_rate(ask, rate, seconds))
    return crowd.taken()


async def _back(crowd: Crowd, asks: list[Ask], victim: str) -> float:
    """Seconds until the service answers again through the gateway."""
    began = time.monotonic()
    ask = next(ask for ask in asks if ask.route.service == victim)
    row = 0
    while row < BACK_ROW and time.monotonic() - began < BACK_SECONDS:
        sample = await crowd.ask(ask, time.monotonic())
        row = row + 1 if sample.is_fine else 0
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def _of_others(samples: list[Sample], victim: str) -> list[Sample]:
    return [sample for sample in samples if sample.route.service != victim]


def _checks(victim: str, fault: Fault, found: Found) -> list[Check]:
    name = f"{victim} {fault}"
    everyone = found.victim + found.others
    over = max(sample.seconds - sample.route.seconds for sample in everyone)
    unclean = [str(sample) for sample in found.victim if not sample.is_clean]
    unserved = [str(sample) for sample in found.others if not sample.is_fine]
    served = sum(sample.is_fine for sample in found.victim)
    ratios = {route: statistics.median(some) for route, some in found.ratios.items()}
    worst = max(ratios, key=ratios.__getitem__)
    return [
        at_most(f"{name}: longest beyond the deadline", over, GRACE_SECONDS, " s"),
        none_of(f"{name}: unclean refusals", len(unclean), len(found.victim), unclean),
        none_of(f"{name}: others not served", len(unserved), len(found.others), unserved),
        at_most(f"{name}: others' p95, on/off", ratios[TOGETHER], MOST_RATIO, " x"),
        noted(f"{name}: the worst route's", f"{ratios[worst]:.2f} x ({worst})"),
        noted(
            f"{name}: its own callers",
            f"{served} of {len(found.victim)} served, slowest"
            f" {max(sample.seconds for sample in found.victim):.2f} s,"
            f" back after {max(found.back):.2f} s",
        ),
    ]
