"""500 half-open slow sockets for a minute, beside callers who do nothing wrong (row 35).

Then a hundred who ask for eight megabytes each and read none: what they cost others is noted. They
are let in callers, and what they ask for is work that somebody does.
"""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts.siege.attackers import ADDRESS, DEAF, HALF_OPEN
from scripts.siege.cores import Cores
from scripts.siege.doors import Street, street
from scripts.siege.load import P99, Crowd, Sample, windowed
from scripts.siege.processes import held
from scripts.siege.reporting import Check, at_most, none_of, noted, say
from scripts.torture.programs import Program
from scripts.torture.systems import QUIET

SOCKETS = {HALF_OPEN: 500, DEAF: 100}
ENOUGH = 0.9
RAMP_SECONDS = 20.0
RATE = 100.0
WINDOW_SECONDS = 5.0
MOST_RATIO = 1.5
MOST_LIFE_SECONDS = 35.0


@dataclass
class Found:
    """Requests of the others, and what became of the slow sockets."""

    without: list[Sample] = field(default_factory=list)
    beside: dict[str, list[Sample]] = field(default_factory=dict)
    at_once: dict[str, int] = field(default_factory=dict)
    left: int = 0
    longest: dict[str, float] = field(default_factory=dict)


async def prove(folder: Path, *, is_quick: bool) -> list[Check]:
    """Others' p99 with and without, and how long the gateway bears with a slow socket."""
    seconds = 20.0 if is_quick else 60.0
    found, cores = Found(), Cores()
    async with cores.divided(street(folder)) as here:
        crowd = Crowd(here.doors[0].port)
        await _others(here, crowd, WINDOW_SECONDS)
        found.without += await _others(here, crowd, seconds / 2)
        for kind in SOCKETS:
            async with _attack(here, folder / "report.json", kind) as attackers:
                found.at_once[kind] = len(held(here.doors[0].port, ADDRESS))
                say(f"{found.at_once[kind]} {kind} sockets are held")
                found.beside[kind] = await _others(here, crowd, seconds)
                attackers.signal(signal.SIGUSR1)
                found.left += await _outlived(here)
                found.longest |= json.loads((folder / "report.json").read_text())["longest"]
            found.without += await _others(here, crowd, seconds / 2)
        crowd.close()
    return _checks(found)


async def _others(here: Street, crowd: Crowd, seconds: float) -> list[Sample]:
    """Callers as there are always some."""
    asks = here.asks
    async with asyncio.TaskGroup() as group:
        for ask in (asks.reading("/api/v1/categories"), asks.filing("S")):
            group.create_task(crowd.at_rate(ask, RATE, seconds))
    return crowd.taken()


@asynccontextmanager
async def _attack(here: Street, report: Path, kind: str) -> AsyncIterator[Program]:
    """The attackers, once they are as many as they get."""
    port = here.doors[0].port
    given = (kind, str(port), here.asks.token(), str(SOCKETS[kind]), str(report))
    program = Program("scripts.siege.attackers", report.parent, QUIET, *given)
    program.start()
    try:
        end = time.monotonic() + RAMP_SECONDS
        while len(held(port, ADDRESS)) < SOCKETS[kind] * ENOUGH and time.monotonic() < end:
            await asyncio.sleep(0.2)
        yield program
    finally:
        await asyncio.to_thread(program.end)


async def _outlived(here: Street) -> int:
    """How many are held after the time they are given; they go on dripping meanwhile."""
    port, end = here.doors[0].port, time.monotonic() + MOST_LIFE_SECONDS
    while time.monotonic() < end and held(port, ADDRESS):
        await asyncio.sleep(0.5)
    return len(held(port, ADDRESS))


def _checks(found: Found) -> list[Check]:
    alone = windowed(found.without, P99, WINDOW_SECONDS)
    half_open, deaf = (windowed(found.beside[kind], P99, WINDOW_SECONDS) for kind in SOCKETS)
    everyone = [*found.without, *(each for group in found.beside.values() for each in group)]
    unserved = [str(sample) for sample in everyone if not sample.is_fine]
    return [
        noted("slow sockets held at once", f"{found.at_once} of {SOCKETS}"),
        none_of("others not served", len(unserved), len(everyone), unserved),
        noted(
            "others' p99",
            f"{alone:.2f} ms alone, {half_open:.2f} beside half-open, {deaf:.2f} beside deaf ones",
        ),
        at_most("others' p99 beside half-open ones, ratio", half_open / alone, MOST_RATIO, " x"),
        *(
            at_most(f"longest life: {kind}", life, MOST_LIFE_SECONDS, " s", 1)
            for kind, life in sorted(found.longest.items())
        ),
        none_of(f"sockets held {MOST_LIFE_SECONDS:.0f} s later", found.left, sum(SOCKETS.values())),
    ]
