"""Redis and RabbitMQ frozen and killed under load: nobody outside notices (rows 11, 12 and 15)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from libs.common.testing.private import PrivateServer
from scripts.siege.asks import Ask, Filing
from scripts.siege.besieged import Besieged, besieged
from scripts.siege.load import P99, SERVER_ERROR, Crowd, Sample, windowed
from scripts.siege.lost import missing, quiet
from scripts.siege.reporting import Check, at_most, none_of, noted, say
from scripts.torture.rows import rows_of

FILING = "POST /api/v1/grievances"
READ_RATE, FILE_RATE = 10.0, 8.0
MOST_ADDED_MILLIS = 150.0
WINDOW_SECONDS = 5.0
MOST_DRAIN_SECONDS = 30.0

Deed = Callable[[PrivateServer], None]
FAULTS: dict[str, tuple[Deed, Deed]] = {
    "frozen": (PrivateServer.freeze, PrivateServer.thaw),
    "killed": (PrivateServer.kill, PrivateServer.restart),
}


@dataclass(frozen=True)
class Found:
    """What one fault of one store showed."""

    name: str
    before: list[Sample]
    during: list[Sample]
    drained: float


async def prove(folder: Path, *, is_quick: bool) -> list[Check]:
    """Each fault of each store, on one system; at the end, what was promised is counted."""
    seconds = 8.0 if is_quick else 30.0
    checks = []
    async with besieged(folder) as system:
        crowd, asks = Crowd(system.port), _asks(system)
        await _load(crowd, asks, 5.0)
        stores: dict[str, PrivateServer] = {"redis": system.redis, "rabbitmq": system.rabbit}
        for store, server in stores.items():
            for fault, (strike, heal) in FAULTS.items():
                await quiet(system)
                before = await _load(crowd, asks, seconds / 2)
                during = await _struck(
                    partial(asyncio.to_thread, strike, server),
                    partial(asyncio.to_thread, heal, server),
                    partial(_load, crowd, asks, seconds),
                )
                healed = time.monotonic()
                during += await _load(crowd, asks, seconds / 4)
                await quiet(system)
                drained = time.monotonic() - healed
                found = Found(f"{store} {fault}", before, during, drained)
                say(f"{found.name}: {len(during)} requests, quiet again after {drained:.1f} s")
                checks += _checks(found, has_limit=store == "redis")
        crowd.close()
        filing = next(ask for ask in asks if isinstance(ask, Filing))
        return [*checks, await missing(rows_of(system), filing)]


def _asks(system: Besieged) -> list[Ask]:
    """A route or two of every service, a word to the bot, and a wrong code, which is counted."""
    asks = system.asks()
    wrong = {"grievance_id": "S-0", "access_code": "AAAA-AAAA-AAAA"}
    return [
        *asks.everywhere(),
        asks.saying("/api/v1/chat/messages", {"text": "namaste"}),
        asks.saying("/api/v1/grievances/track", wrong, fine=frozenset({404, 429})),
    ]


async def _struck(
    strike: Callable[[], Awaitable[None]],
    heal: Callable[[], Awaitable[None]],
    load: Callable[[], Awaitable[list[Sample]]],
) -> list[Sample]:
    await strike()
    try:
        return await load()
    finally:
        await heal()


async def _load(crowd: Crowd, asks: list[Ask], seconds: float) -> list[Sample]:
    crowd.taken()
    async with asyncio.TaskGroup() as group:
        for ask in asks:
            rate = FILE_RATE if isinstance(ask, Filing) else READ_RATE
            group.create_task(crowd.at_rate(ask, rate, seconds))
    return crowd.taken()


def _checks(found: Found, *, has_limit: bool) -> list[Check]:
    samples = found.during
    broken = [str(sample) for sample in samples if sample.status >= SERVER_ERROR]
    unanswered = [str(sample) for sample in samples if not sample.status]
    filings = [sample for sample in samples if sample.route.name == FILING]
    unfiled = [str(sample) for sample in filings if not sample.is_fine]
    usual = windowed(found.before, P99, WINDOW_SECONDS)
    added = windowed(samples, P99, WINDOW_SECONDS) - usual
    shown = f"{added:+.0f} ms (from {usual:.0f} ms)"
    p99 = Check(
        f"{found.name}: added p99",
        shown,
        f"≤ {MOST_ADDED_MILLIS:.0f} ms",
        added <= MOST_ADDED_MILLIS,
    )
    return [
        none_of(f"{found.name}: 5xx", len(broken), len(samples), broken),
        none_of(f"{found.name}: no answer", len(unanswered), len(samples), unanswered),
        none_of(f"{found.name}: filings not 201", len(unfiled), len(filings), unfiled),
        p99 if has_limit else noted(p99.what, p99.measured),
        at_most(f"{found.name}: drained afterwards", found.drained, MOST_DRAIN_SECONDS, " s", 1),
    ]
