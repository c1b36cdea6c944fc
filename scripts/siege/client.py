"""What the load client itself costs and adds, measured without a gateway."""

import asyncio
from pathlib import Path

from scripts.siege.doors import Street, street
from scripts.siege.load import P99, Crowd, millis
from scripts.siege.processes import Effort
from scripts.siege.reporting import Check, at_most, noted

RATES = (200.0, 1_000.0, 2_000.0)
MOST_MILLIS = 5.0
MEDIAN = 50


async def prove(folder: Path, *, is_quick: bool) -> list[Check]:
    """Ask the upstream directly, then through the gateway, at rising rates."""
    seconds = 2.0 if is_quick else 10.0
    async with street(folder) as found:
        checks = [await _direct(found, rate, seconds) for rate in RATES]
        through = await _measured(found, found.doors[0].port, RATES[0], seconds)
    return [*checks, noted(f"through the gateway at {RATES[0]:.0f}/s", through[1])]


async def _direct(found: Street, rate: float, seconds: float) -> Check:
    slowest, text = await _measured(found, found.upstream_port, rate, seconds)
    line = at_most(f"client's own p99 at {rate:.0f}/s", slowest, MOST_MILLIS, " ms")
    return Check(line.what, text, line.required, line.holds)


async def _measured(found: Street, port: int, rate: float, seconds: float) -> tuple[float, str]:
    crowd, effort = Crowd(port), Effort()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            crowd.at_rate(found.asks.reading("/api/v1/chat/config", role=None), rate, seconds)
        )
    samples = crowd.taken()
    crowd.close()
    slowest = millis(samples, P99)
    text = (
        f"p50 {millis(samples, MEDIAN):.2f} ms, p99 {slowest:.2f} ms,"
        f" {effort.each(len(samples)):.0f} µs CPU a request, {effort.share:.0%} of a core"
    )
    return slowest, text
