"""Ten times the load a system can bear, for a minute: it does what it can (row 36, goal 7)."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from scripts.siege.asks import Ask, Filing, Reading
from scripts.siege.besieged import Besieged, besieged
from scripts.siege.capacity import Capacity, capacity
from scripts.siege.cores import Cores
from scripts.siege.load import P95, P99, Crowd, Sample, millis
from scripts.siege.lost import missing, quiet
from scripts.siege.processes import Effort, resident_kib
from scripts.siege.reporting import Check, at_least, at_most, none_of, noted, say
from scripts.torture.rows import rows_of

TIMES = 10.0
LIGHT = 0.2
LEAST_GOODPUT = 0.8
MOST_P99_SECONDS = 2.0
MOST_RECOVERY_SECONDS = 10.0
RECOVERED = 2.0
RECOVERED_MILLIS = 200.0
"""Latency is back when p95 is at most twice what it was, or a tenth of what a flood may make it."""
WINDOW_SECONDS = 5.0
"""Some sixty requests at light load: one hiccup of the machine is not a twentieth of them."""


@dataclass(frozen=True)
class Size:
    """How long each part takes."""

    step: float
    light: float
    over: float


FULL = Size(step=5.0, light=15.0, over=60.0)
QUICK = Size(step=1.5, light=12.0, over=12.0)


@dataclass(frozen=True)
class Able:
    """What the system can do of both kinds."""

    filing: Capacity
    listing: Capacity

    @property
    def mixed(self) -> float:
        """Requests a second, half of each kind."""
        return 2 / (1 / self.filing.rate + 1 / self.listing.rate)

    def used(self, filed: float, listed: float) -> float:
        """The part of the capacity that went into answers, whatever the mix became."""
        return filed / self.filing.rate + listed / self.listing.rate


@dataclass(frozen=True)
class Found:
    """The three parts: light load, far too much, light load again."""

    before: list[Sample]
    over: list[Sample]
    after: list[Sample]
    began: float
    ended: float
    """From when, and until when, it was too much."""


async def prove(folder: Path, *, is_quick: bool) -> list[Check]:
    """Find the capacity, and exceed it."""
    size, cores = QUICK if is_quick else FULL, Cores()
    async with cores.divided(besieged(folder)) as system:
        say(str(cores))
        return await _prove(system, size)


async def _prove(system: Besieged, size: Size) -> list[Check]:
    crowd, asks = Crowd(system.port), system.asks()
    filing, listing = asks.filing("O"), asks.listing()
    filings = await capacity(crowd, filing, size.step)
    await quiet(system)  # what filings leave behind is no part of what a list costs
    able = Able(filings, await capacity(crowd, listing, size.step))
    await quiet(system)
    effort = Effort()
    found = await _exceeded(system, crowd, (filing, listing), able, size)
    share = effort.share
    crowd.close()
    say(f"quiet again after {await quiet(system):.0f} s")
    return [
        *_checks(found, able, size.over),
        noted("requests this machine could not send", str(crowd.not_tried)),
        noted("the client", f"{share:.0%} of its core"),
        noted("the gateway's memory", f"{resident_kib(system.gateway) / 1024:.0f} MiB"),
        await missing(rows_of(system), filing),
    ]


async def _exceeded(
    system: Besieged, crowd: Crowd, asks: tuple[Filing, Reading], able: Able, size: Size
) -> Found:
    light = able.mixed * LIGHT
    await _load(crowd, asks, light, 3.0)
    before = await _load(crowd, asks, light, size.light)
    say(f"{TIMES:.0f} x {able.mixed:.0f}/s for {size.over:.0f} s")
    began = time.monotonic()
    flood = asyncio.create_task(_load(crowd, asks, able.mixed * TIMES, size.over))
    await asyncio.sleep(size.over)
    ended = time.monotonic()
    # Whatever of the flood is still waited for, the light load goes on beside it at once.
    second = Crowd(system.port)
    after = await _load(second, asks, light, max(size.light, MOST_RECOVERY_SECONDS * 1.5))
    second.close()
    return Found(before, await flood, after, began, ended)


async def _load(crowd: Crowd, asks: tuple[Ask, ...], rate: float, seconds: float) -> list[Sample]:
    crowd.taken()
    async with asyncio.TaskGroup() as group:
        for ask in asks:
            group.create_task(crowd.at_rate(ask, rate / len(asks), seconds))
    return crowd.taken()


def _checks(found: Found, able: Able, seconds: float) -> list[Check]:
    fine = [sample for sample in found.over if sample.is_fine]
    # As the capacity is found: until the last of them is answered.
    took = max([found.ended, *(sample.due + sample.seconds for sample in fine)]) - found.began
    filed = sum(sample.route.name == able.filing.name for sample in fine) / took
    listed = len(fine) / took - filed
    others = [sample for sample in found.over if not sample.is_fine]
    impolite = [str(sample) for sample in others if not sample.is_shed]
    back = _recovered(found)
    return [
        noted("capacity", f"{able.filing}; {able.listing}"),
        at_least("goodput of the capacity", able.used(filed, listed), LEAST_GOODPUT, " x"),
        noted("of which", f"{filed:.0f} filings/s, {listed:.0f} lists/s"),
        noted("offered", f"{len(found.over) / seconds:.0f}/s"),
        at_most("p99 of what was accepted", millis(fine, P99) / 1000, MOST_P99_SECONDS, " s"),
        none_of("refused without 429/503 and Retry-After", len(impolite), len(others), impolite),
        noted("refusals", f"{len(others)}, p99 after {millis(others, P99):.0f} ms"),
        at_most("latency back after", back, MOST_RECOVERY_SECONDS, " s", 1),
        none_of("refused under light load", *_refused(found.before)),
    ]


def _refused(samples: list[Sample]) -> tuple[int, int, list[str]]:
    found = [str(sample) for sample in samples if not sample.is_fine]
    return len(found), len(samples), found


def _recovered(found: Found) -> float:
    """Seconds from the end of the flood until everything later is as it was before."""
    limit = max(millis(found.before, P95) * RECOVERED, RECOVERED_MILLIS)
    windows: dict[int, list[Sample]] = {}
    for sample in found.after:
        windows.setdefault(int((sample.due - found.ended) / WINDOW_SECONDS), []).append(sample)
    late = [
        number
        for number, window in windows.items()
        if millis(window, P95) > limit or not all(sample.is_fine for sample in window)
    ]
    shown = ", ".join(f"{millis(windows[number], P95):.0f}" for number in sorted(windows))
    say(
        f"p95 before {millis(found.before, P95):.0f} ms, and after,"
        f" every {WINDOW_SECONDS:.0f} s: {shown} ms"
    )
    return (max(late) + 1) * WINDOW_SECONDS if late else 0.0
