"""Filings through the gateway: how long they take, and what they cost each program."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bench.load import Timing, load
from bench.processes import cpu_seconds, tree
from libs.common.testing.stage import until
from scripts.demo.api import Caller, connect
from scripts.demo.people import guest
from scripts.torture.counting import unfinished
from scripts.torture.rows import rows_of
from scripts.torture.systems import Embedded, Split

WARM_UP = 100
CLIENTS = 8
DRAIN_SECONDS = 180.0
PATH = "/api/v1/grievances"
BODY = {
    "description": "The drinking water tap in our ward has been dry for nine days.",
    "project_type": "water",
    "place": {"municipality": "Dharan", "ward": 5},
    "contact": {"name": "Sita Sharma", "phone_number": "+9779812345678"},
}


@dataclass(frozen=True)
class Filing:
    """What filings took; CPU in milliseconds per filing, by program."""

    one: Timing
    many: Timing
    answering: Mapping[str, float]
    """Until the last answer: what earlier filings cause runs meanwhile, and counts."""
    whole: Mapping[str, float]
    """Until everything they cause is done, children included."""


async def filing(system: Embedded | Split, requests: int) -> Filing:
    """File one after the other, then eight at a time."""
    async with connect(system.base) as http:
        token = (await guest(Caller(http))).token
    half = requests // 2

    async def file(count: int, clients: int) -> Timing:
        headers = {"Authorization": f"Bearer {token}"}
        return await load(
            system.base, PATH, requests=count, clients=clients, headers=headers, body=BODY
        )

    await file(WARM_UP, clients=4)
    await quiet(system)
    before = _cpu(system)
    one, many = await file(half, clients=1), await file(half, clients=CLIENTS)
    answered = _cpu(system)
    await quiet(system)
    done = _cpu(system)
    return Filing(one, many, _per(answered, before, half * 2), _per(done, before, half * 2))


async def quiet(system: Embedded | Split) -> None:
    """Wait until nothing is on its way."""
    rows = rows_of(system)

    async def is_quiet() -> bool:
        return await unfinished(rows) == 0

    await until(is_quiet, seconds=DRAIN_SECONDS, every=0.5)
    await asyncio.sleep(1)


def _cpu(system: Embedded | Split) -> dict[str, float]:
    return {program.name: cpu_seconds(tree(program.pid)) for program in system.programs}


def _per(after: dict[str, float], before: dict[str, float], count: int) -> dict[str, float]:
    return {name: (after[name] - before[name]) / count * 1_000 for name in after}
