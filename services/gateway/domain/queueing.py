"""Concurrency cap of an upstream: so many calls at a time, a short queue, and the rest is shed."""

import asyncio
import random
from collections.abc import Callable
from enum import IntEnum
from typing import NoReturn

from libs.common.clock import monotonic
from libs.common.errors import Unavailable
from services.gateway.domain.standing import LATE_SECONDS, STANDING_SECONDS, Line, Waiter

CAP = 32
HELD_CAP = 512
PATIENCE_SECONDS = 1.0
FEW_SHARE = 0.125
"""Of the cap; so many newcomers wait while their line stands, lest a slot find nobody."""
SPARE_SHARE = 0.125
"""Of the cap; lists and exports leave it to those who come before them, who would otherwise find
every slot taken by calls that are slow."""


class Overloaded(Unavailable):
    """More is asked of a service than it can do just now. Nothing was done; try again later."""

    code = "OVERLOADED"

    def __init__(self, message: str = "Too much is asked at once; please try again.") -> None:
        super().__init__(message)
        seconds = 1 + int(random.random() * 3)  # noqa: S311 - jitter
        self.headers = {"Retry-After": str(seconds)}  # type: ignore[misc]


class Priority(IntEnum):
    """Who goes first; the first two are work that is lost when it is not taken."""

    WEBHOOK = 0
    FILING = 1
    DEFAULT = 2
    LIST = 3
    EXPORT = 4


class Slots:
    """The slots of one upstream for calls that end soon.

    A slot that is given back goes straight to a waiter, so that nobody overtakes it. Whoever has a
    slot gives it back exactly once.
    """

    def __init__(
        self,
        cap: int = CAP,
        *,
        queue: int | None = None,
        patience: float = PATIENCE_SECONDS,
        standing: float = STANDING_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.in_flight = 0
        self.waiting = 0
        self.shed = 0
        self._queue = 2 * cap if queue is None else queue
        self._patience = patience
        self._clock = clock
        spare = int(cap * SPARE_SHARE)
        self._caps = [cap - spare if p >= Priority.LIST else cap for p in Priority]
        few = max(1, int(cap * FEW_SHARE))
        self._lines = [Line(standing, few) for _ in Priority]

    def has_room(self, priority: int) -> bool:
        """Whether there is a slot for this priority."""
        return self.in_flight < self._caps[priority]

    def try_acquire(self, priority: int) -> bool:
        """Take a slot if there is one for this priority."""
        if self.has_room(priority):
            self.in_flight += 1
            return True
        return False

    def is_vain(self, priority: int) -> bool:
        """Whether there is no use in waiting for a slot."""
        now, line = self._clock(), self._lines[priority]
        line.look(now)
        return line.refuses(now)

    def refuse(self) -> NoReturn:
        """Shed a newcomer. Raises Overloaded."""
        self.shed += 1
        raise Overloaded

    async def acquire(self, priority: int, until: float) -> None:
        """Take a slot, and wait for it at most until `until`. Raises Overloaded."""
        if self.try_acquire(priority):
            return
        waiter, seconds = self._line_up(priority, until)
        timer = asyncio.get_running_loop().call_later(seconds, self._shed, waiter)
        try:
            has_slot = await waiter.turn
        except BaseException:
            self._leave(waiter)
            raise
        finally:
            timer.cancel()
        if not has_slot:
            raise Overloaded

    def release(self) -> None:
        """Give a slot back."""
        self.in_flight -= 1
        if self.waiting:
            self._pass_on()

    def _line_up(self, priority: int, until: float) -> tuple[Waiter, float]:
        if self.is_vain(priority):
            self.refuse()
        now = self._clock()
        line = self._lines[priority]
        patience = min(self._patience, LATE_SECONDS) if line.stands else self._patience
        seconds = min(patience, until - now)
        is_full = self.waiting >= self._queue
        if seconds <= 0 or (is_full and not self._make_room(priority)):
            self.refuse()
        waiter = Waiter(line, now)
        line.waiters.append(waiter)
        self.waiting += 1
        return waiter, seconds

    def _make_room(self, priority: int) -> bool:
        """Push out the least important who would be served last, if it is not the newcomer."""
        for other in range(len(self._lines) - 1, priority - 1, -1):
            line = self._lines[other]
            if line.waiters and (other > priority or line.stands):
                self._shed(line.last())
                return True
        return False

    def _pass_on(self) -> None:
        """Hand a slot that became free to whoever is next; nobody else waits for a free one."""
        now = self._clock()
        for cap, line in zip(self._caps, self._lines, strict=True):
            while line.waiters:
                if self.in_flight >= cap:
                    return
                line.look(now)
                waiter = line.first()
                self._take_out(waiter)
                if not waiter.turn.done():
                    self.in_flight += 1
                    waiter.turn.set_result(True)
                    return

    def _take_out(self, waiter: Waiter) -> None:
        waiter.line.waiters.remove(waiter)
        waiter.is_waiting = False
        self.waiting -= 1

    def _shed(self, waiter: Waiter) -> None:
        """Its patience is over, or its place in the queue goes to somebody else."""
        if not waiter.is_waiting:
            return
        self._take_out(waiter)
        if not waiter.turn.done():
            self.shed += 1
            waiter.turn.set_result(False)

    def _leave(self, waiter: Waiter) -> None:
        """The caller is gone; it may have been given a slot a moment before it could know."""
        if waiter.is_waiting:
            self._take_out(waiter)
        elif not waiter.turn.cancelled() and waiter.turn.done() and waiter.turn.result():
            self.release()


class Held:
    """The places of one upstream for calls that last: long polls, streams, sockets, files."""

    def __init__(self, cap: int = HELD_CAP) -> None:
        self.in_flight = 0
        self.shed = 0
        self._cap = cap

    def acquire(self) -> None:
        """Take a place; nobody waits for one. Raises Overloaded."""
        if self.in_flight >= self._cap:
            self.shed += 1
            raise Overloaded
        self.in_flight += 1

    def release(self) -> None:
        """Give a place back."""
        self.in_flight -= 1
