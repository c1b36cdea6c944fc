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
    refused: int = 0
    """Requests that were told to come back later; they are not among the others."""

    @classmethod
    def of(cls, millis: list[float], seconds: float, refused: int = 0) -> "Timing":
        """The summary of many."""
        cuts = statistics.quantiles(millis, n=100)
        return cls(statistics.median(millis), cuts[98], len(millis) / seconds, refused)


async def load(
    base: str, path: str, *, requests: int, clients: int, headers: dict[str, str], body: Any
) -> Timing:
    """Send `requests` POSTs of `body` from `clients` clients."""
    numbers, millis, refused = itertools.count(), [], 0
    async with connect(base, connections=clients) as http:

        async def client() -> None:
            nonlocal refused
            while next(numbers) < requests:
                began = time.perf_counter()
                answer = await http.post(path, json=body, headers=headers)
                if answer.is_success:
                    millis.append((time.perf_counter() - began) * 1_000)
                elif answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
                    refused += 1
                else:
                    raise httpx2.HTTPError(f"{path} → {answer.status_code} {answer.text[:200]}")

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        return Timing.of(millis, time.perf_counter() - began, refused)
