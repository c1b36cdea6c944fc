"""Clients in number: at a rate of their own (open), or one request after the other (closed)."""

import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from scripts.siege.answers import Answer, Cut
from scripts.siege.asks import Ask, Route
from scripts.siege.lines import Line, NotSent

PATIENCE_SECONDS = 5.0
"""How much longer than a route's deadline a client waits before it hangs up."""
MANY_LINES = 2_000
TICK_SECONDS = 0.001
PAUSE_SECONDS = 0.05
P95, P99 = 95, 99
SERVER_ERROR, UNAVAILABLE, TIMED_OUT, TOO_MANY = 500, 503, 504, 429


@dataclass(frozen=True, slots=True)
class Sample:
    """A request: when it was due, how long it took from then, and what came of it."""

    route: Route
    due: float
    seconds: float
    status: int
    """0 when there was no answer."""
    reason: str = ""
    """Why there was none, or the code of a refusal."""
    has_retry_after: bool = False
    is_enveloped: bool = True

    @property
    def is_fine(self) -> bool:
        """Whether it was done."""
        return self.status in self.route.fine

    @property
    def is_clean(self) -> bool:
        """Done, or refused as API clients expect it: 503 or 504, JSON, when to come back."""
        if self.is_fine:
            return True
        is_known = self.status in {UNAVAILABLE, TIMED_OUT} and self.is_enveloped
        return is_known and (self.has_retry_after or self.status == TIMED_OUT)

    @property
    def is_shed(self) -> bool:
        """Told to come back later, and when."""
        return self.status in {TOO_MANY, UNAVAILABLE} and self.has_retry_after

    def __str__(self) -> str:
        return f"{self.route.name} {self.status or 'no answer'} {self.reason}".strip()


class Crowd:
    """Clients of one address, over lines kept open and opened as they are needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Line] = []
        self._busy = 0
        self.samples: list[Sample] = []
        self.not_tried = 0
        """Requests this machine had no line left for: they say nothing about the server."""

    async def ask(self, ask: Ask, due: float) -> Sample:
        """Send one request, and keep what came of it."""
        name, wire = ask.wire()
        try:
            async with asyncio.timeout(ask.route.seconds + PATIENCE_SECONDS):
                answer = await self._exchange(wire)
        except (Cut, NotSent, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            sample = Sample(ask.route, due, time.monotonic() - due, 0, reason)
        else:
            ask.heard(name, answer)
            sample = _sample(ask.route, answer, due)
        self.samples.append(sample)
        return sample

    async def at_rate(self, ask: Ask, rate: float, seconds: float) -> None:
        """Send `rate` requests a second for `seconds`, whether or not the others were answered."""
        began = time.monotonic() + random.random() / rate
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                while (early := began + number / rate - time.monotonic()) > 0:
                    await asyncio.sleep(max(early, TICK_SECONDS))
                if self._busy >= MANY_LINES:
                    self.not_tried += 1
                else:
                    group.create_task(self.ask(ask, time.monotonic()))

    async def one_by_one(self, ask: Ask, clients: int, seconds: float) -> None:
        """`clients` of them, each sending when its last request was answered; the refused pause."""
        end = time.monotonic() + seconds

        async def client() -> None:
            while time.monotonic() < end:
                sample = await self.ask(ask, time.monotonic())
                if not sample.is_fine:
                    await asyncio.sleep(PAUSE_SECONDS)

        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(client())

    def taken(self) -> list[Sample]:
        """What came of everything since last asked."""
        found, self.samples = self.samples, []
        return found

    def close(self) -> None:
        """Hang up everywhere."""
        for line in self._idle:
            line.close()
        self._idle.clear()

    async def _exchange(self, wire: bytes) -> Answer:
        self._busy += 1
        try:
            line = await self._line()
            try:
                answer = await line.ask(wire)
            except BaseException:
                line.close()
                raise
        finally:
            self._busy -= 1
        if line.is_open:
            self._idle.append(line)
        return answer

    async def _line(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            if line.is_open:
                return line
        return await Line.to(self._port)


def _sample(route: Route, answer: Answer, due: float) -> Sample:
    code, is_enveloped = "", True
    if answer.status not in route.fine:
        code, is_enveloped = _refusal(answer)
    return Sample(
        route,
        due,
        time.monotonic() - due,
        answer.status,
        code,
        b"retry-after" in answer.headers,
        is_enveloped,
    )


def _refusal(answer: Answer) -> tuple[str, bool]:
    """The code of a refusal, and whether it has the shape all refusals have."""
    with suppress(ValueError, LookupError, TypeError):
        body = json.loads(answer.body)
        code = str(body["error"]["code"])
        return code, body["status"] == "error" and bool(body["error"]["request_id"])
    return "", False


def percentile(values: Iterable[float], cut: int) -> float:
    """The value under which `cut` of a hundred lie."""
    found = sorted(values)
    if not found:
        return float("nan")
    return found[min(len(found) - 1, len(found) * cut // 100)]


def millis(samples: Iterable[Sample], cut: int) -> float:
    """A percentile of how long requests took, in milliseconds."""
    return percentile((sample.seconds for sample in samples), cut) * 1_000


def by_route(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """The samples of each route."""
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.route.name, []).append(sample)
    return found


def windowed(samples: Sequence[Sample], cut: int, seconds: float) -> float:
    """The median of a percentile over windows of time: one hiccup of the machine is one window."""
    windows: dict[int, list[Sample]] = {}
    for sample in samples:
        windows.setdefault(int(sample.due / seconds), []).append(sample)
    full = max(map(len, windows.values()), default=0) // 2
    found = [millis(window, cut) for window in windows.values() if len(window) >= full]
    return statistics.median(found) if found else float("nan")
