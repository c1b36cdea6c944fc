"""Filings through the gateway: how long they take, and what they cost each program."""

import asyncio
import signal
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
FILING = ("gateway", "grievance")
"""Whom filing needs."""
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
    token, half = await _token(system), requests // 2
    await _file(system, token, WARM_UP, clients=4)
    await quiet(system)
    before = _cpu(system)
    one = await _file(system, token, half, clients=1)
    many = await _file(system, token, half, clients=CLIENTS)
    answered = _cpu(system)
    await quiet(system)
    done = _cpu(system)
    return Filing(one, many, _per(answered, before, half * 2), _per(done, before, half * 2))


async def alone(system: Split, requests: int) -> tuple[Timing, Mapping[str, float]]:
    """File while everybody else is frozen: what a filing costs without what it causes."""
    token = await _token(system)
    others = [each for each in system.programs if each.name not in FILING]
    for program in others:
        program.signal(signal.SIGSTOP)
    try:
        before = _cpu(system)
        timing = await _file(system, token, requests, clients=CLIENTS)
        cpu = _per(_cpu(system), before, requests)
    finally:
        for program in others:
            program.signal(signal.SIGCONT)
    return timing, {name: cpu[name] for name in FILING}


async def _token(system: Embedded | Split) -> str:
    async with connect(system.base) as http:
        return str((await guest(Caller(http))).token)


async def _file(system: Embedded | Split, token: str, count: int, *, clients: int) -> Timing:
    headers = {"Authorization": f"Bearer {token}"}
    return await load(
        system.base, PATH, requests=count, clients=clients, headers=headers, body=BODY
    )


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
