"""What a system can do: the best rate that any number of clients gets out of it."""

import time
from dataclasses import dataclass

from scripts.siege.asks import Ask
from scripts.siege.load import P99, Crowd, millis
from scripts.siege.reporting import say

CLIENTS = (1, 4, 8, 16, 32, 64)
"""All are tried: what is done beside the answers makes the rate rise and fall in between."""


@dataclass(frozen=True)
class Capacity:
    """The best rate found for one kind of request."""

    name: str
    rate: float
    clients: int
    p99: float

    def __str__(self) -> str:
        return f"{self.rate:.0f}/s with {self.clients} clients, p99 {self.p99:.0f} ms: {self.name}"


async def capacity(crowd: Crowd, ask: Ask, seconds: float) -> Capacity:
    """Closed loop, each number of clients for `seconds`."""
    await crowd.one_by_one(ask, 2, seconds / 2)
    found = []
    for clients in CLIENTS:
        crowd.taken()
        began = time.monotonic()
        await crowd.one_by_one(ask, clients, seconds)
        took = time.monotonic() - began
        fine = [sample for sample in crowd.taken() if sample.is_fine]
        found.append(Capacity(ask.route.name, len(fine) / took, clients, millis(fine, P99)))
    best = max(found, key=lambda each: each.rate)
    say(f"{best} (of {', '.join(f'{each.rate:.0f}' for each in found)})")
    return best
