"""Clients that keep their connections as real ones do, and lose nothing by their own fault.

A connection that closed before a byte was sent is replaced. A request that was sent and got no
answer, or a 5xx, has failed.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.siege.answers import Answer, Cut
from scripts.siege.balancer import Balancer, NobodyThere
from scripts.siege.lines import Line, NotSent

SERVER_ERROR = 500
ANSWER_SECONDS = 40.0


@dataclass(frozen=True)
class Habit:
    """How a client calls: how long it thinks between requests, and for how long it stays."""

    name: str
    think: tuple[float, float]
    requests_a_line: int
    wires: Sequence[bytes]


@dataclass(frozen=True)
class Failure:
    """A request that failed, when, and how."""

    habit: str
    at: float
    reason: str


class Keeper:
    """One client."""

    def __init__(self, balancer: Balancer, habit: Habit, tell: Callable[[Failure], None]) -> None:
        self._balancer = balancer
        self._habit = habit
        self._tell = tell
        self._wires = itertools.cycle(random.sample(habit.wires, len(habit.wires)))
        self.answered = 0

    async def go_on(self) -> None:
        """Call until cancelled."""
        while True:
            await self._think()
            try:
                port, line = await self._balancer.connect()
            except NobodyThere as error:
                self._fail(str(error))
                continue
            try:
                await self._stay(line)
            finally:
                line.close()
            if line.said_goodbye:
                self._balancer.leave(port)

    async def _stay(self, line: Line) -> None:
        """Use one connection as long as it holds, or as is this client's habit."""
        for number in range(self._habit.requests_a_line):
            if number:
                await self._think()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    answer = await line.ask(next(self._wires))
            except NotSent:
                return
            except (Cut, TimeoutError) as error:
                where = "a fresh line" if not number else "a kept line"
                self._fail(f"{str(error) or 'no answer in time'} on {where}")
                return
            self._judge(answer)

    async def _think(self) -> None:
        await asyncio.sleep(random.uniform(*self._habit.think))

    def _judge(self, answer: Answer) -> None:
        if answer.status >= SERVER_ERROR:
            self._fail(f"{answer.status} {answer.body[:80].decode(errors='replace')}")
        else:
            self.answered += 1

    def _fail(self, reason: str) -> None:
        self._tell(Failure(self._habit.name, time.monotonic(), reason))
