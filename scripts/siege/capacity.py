"""What a system can do: the best rate that any number of clients gets out of it, and goes on to.

The best of several short tries is the luckiest of them. Who won is tried again, for longer, and
only the second try counts.
"""

import time
from dataclasses import dataclass

from scripts.siege.asks import Ask
from scripts.siege.load import P99, Crowd, millis
from scripts.siege.reporting import say

CLIENTS = (1, 4, 8, 16, 32, 64)
"""All are tried: what is done beside the answers makes the rate rise and fall in between."""
FINALISTS = 2
"""So many are tried again, and the better one is believed."""
LONGER = 4.0


@dataclass(frozen=True)
class Capacity:
    """The rate found for one kind of request."""

    name: str
    rate: float
    clients: int
    p99: float

    def __str__(self) -> str:
        return f"{self.rate:.0f}/s with {self.clients} clients, p99 {self.p99:.0f} ms: {self.name}"


async def capacity(crowd: Crowd, ask: Ask, seconds: float) -> Capacity:
    """Closed loop, each number of clients for `seconds`, the best for longer."""
    await crowd.one_by_one(ask, 2, seconds / 2)
    first = [await _tried(crowd, ask, clients, seconds) for clients in CLIENTS]
    finalists = sorted(first, key=_rate)[-FINALISTS:]
    again = [await _tried(crowd, ask, each.clients, seconds * LONGER) for each in finalists]
    best = max(again, key=_rate)
    tried = ", ".join(f"{each.rate:.0f}" for each in first)
    say(f"{best} (of {tried}; again {', '.join(f'{each.rate:.0f}' for each in again)})")
    return best


async def _tried(crowd: Crowd, ask: Ask, clients: int, seconds: float) -> Capacity:
    crowd.taken()
    began = time.monotonic()
    await crowd.one_by_one(ask, clients, seconds)
    took = time.monotonic() - began
    fine = [sample for sample in crowd.taken() if sample.is_fine]
    return Capacity(ask.route.name, len(fine) / took, clients, millis(fine, P99))


def _rate(found: Capacity) -> float:
    return found.rate
