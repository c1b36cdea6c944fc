"""A few clients that send one request after the other, and how long each took."""

import asyncio
import itertools
import statistics
import time
from dataclasses import dataclass
from typing import Any

import httpx2

from scripts.demo.api import connect


@dataclass(frozen=True)
class Timing:
    """How long requests took, in milliseconds."""

    p50: float
    p99: float
    rate: float

    @classmethod
    def of(cls, millis: list[float], seconds: float) -> "Timing":
        """The summary of many."""
        cuts = statistics.quantiles(millis, n=100)
        return cls(statistics.median(millis), cuts[98], len(millis) / seconds)


async def load(
    base: str, path: str, *, requests: int, clients: int, headers: dict[str, str], body: Any
) -> Timing:
    """Send `requests` POSTs of `body` from `clients` clients."""
    numbers, millis = itertools.count(), []
    async with connect(base, connections=clients) as http:

        async def client() -> None:
            while next(numbers) < requests:
                began = time.perf_counter()
                answer = await http.post(path, json=body, headers=headers)
                millis.append((time.perf_counter() - began) * 1_000)
                if not answer.is_success:
                    raise httpx2.HTTPError(f"{path} → {answer.status_code} {answer.text[:200]}")

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        return Timing.of(millis, time.perf_counter() - began)
