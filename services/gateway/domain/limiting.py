"""How much each caller may do: allowances by the minute, shared by all replicas.

A replica leases a part of a caller's allowance from the counters all share and spends it without
asking anybody, which is what happens nearly always. Nothing fails because the counters are away.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from libs.common.cache import DEADLINE_SECONDS, Counters, Lease, Question
from libs.common.clock import monotonic
from services.gateway.domain.allowances import NO_WINDOW, Allowance, Charge, Window
from services.gateway.domain.verdicts import Verdict, moment

Place = tuple[Allowance, str]

MAX_WINDOWS = 50_000
PARTS = 20
"""Of an allowance; a replica leases one at a time, and what it does not spend is lost."""
PATIENCE_SECONDS = 1.2 * DEADLINE_SECONDS
"""What a request may wait: the counters give up first, or were asked something else before."""


@dataclass(slots=True)
class _Batch:
    """Those who wait for the next question to the counters."""

    wanted: dict[Place, int] = field(default_factory=dict)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Limiter:
    """Fixed windows by key; each begins with the first request in it."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._windows: OrderedDict[Place, Window] = OrderedDict()
        self._batch = _Batch()
        self._asking: asyncio.Task[None] | None = None

    def take(
        self, allowance: Allowance, key: str, cost: int = 1, *, alone: bool = False
    ) -> Verdict | None:
        """Spend `cost`, if it is there; None when the counters have to be asked first.

        A refused request costs nothing. `alone` asks nobody.
        """
        now = monotonic()
        window = self._windows.get((allowance, key))
        if window is None or window.until <= now:
            if cost > allowance.limit:
                at = moment(allowance.seconds)
                return Verdict(False, allowance, allowance.limit, allowance.seconds, at)
            if not (alone or self._counters.is_away):
                return None
            window = self._open((allowance, key), now + allowance.seconds, allowance.seconds)
            window.free = allowance.limit
        if window.left < cost <= window.left + window.free:
            if not (alone or self._counters.is_away):
                return None
            self._help_itself(allowance, window, cost)
        is_allowed = window.left >= cost
        if is_allowed:
            window.left -= cost
        rest = math.ceil(window.until - now)
        return Verdict(is_allowed, allowance, window.left + window.room, rest, window.reset_at)

    def take_all(self, charges: Sequence[Charge], *, alone: bool = False) -> Verdict | None:
        """Spend every one of `charges`, or nothing at all; the verdict is the tightest one."""
        now = monotonic()
        least = None
        for at, charge in enumerate(charges):
            window = charge.window
            if window.until <= now or window.left < charge.cost:
                self._give_back(charges[:at])
                return self._take_each(charges, alone=alone)
            window.left -= charge.cost
            remaining = window.left + window.room
            if least is None or remaining < least:
                least, allowance, tightest = remaining, charge.allowance, window
        assert least is not None  # noqa: S101 - there is one charge at least
        rest = math.ceil(tightest.until - now)
        return Verdict(True, allowance, least, rest, tightest.reset_at)

    def _take_each(self, charges: Sequence[Charge], *, alone: bool) -> Verdict | None:
        """The same, when something has to be leased, or is not there."""
        tightest: Verdict | None = None
        for at, charge in enumerate(charges):
            verdict = self.take(charge.allowance, charge.key, charge.cost, alone=alone)
            if verdict is None or not verdict.is_allowed:
                self._give_back(charges[:at])
                return verdict
            charge.window = self._windows[charge.allowance, charge.key]
            if tightest is None or verdict.remaining < tightest.remaining:
                tightest = verdict
        return tightest

    async def ask_all(self, charges: Sequence[Charge]) -> Verdict:
        """The same, if it is there or can be leased. Never raises."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (verdict := self.take_all(charges)) is None:
                    await self._asked(charges)
        except TimeoutError:
            verdict = self.take_all(charges, alone=True)
            assert verdict is not None  # noqa: S101 - alone, there is nobody to wait for
        return verdict

    async def _asked(self, charges: Iterable[Charge]) -> None:
        """Wait for the next answer of the counters; one question is for all who wait by then."""
        batch = self._batch
        for charge in charges:
            place = (charge.allowance, charge.key)
            batch.wanted[place] = batch.wanted.get(place, 0) + charge.cost
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_counters())
        await batch.answered.wait()

    async def _ask_counters(self) -> None:
        try:
            while self._batch.wanted:
                batch, self._batch = self._batch, _Batch()
                try:
                    await self._lease(batch.wanted)
                finally:
                    batch.answered.set()
        finally:
            self._asking = None

    async def _lease(self, wanted: dict[Place, int]) -> None:
        asked_at = monotonic()
        questions = []
        places = []
        for place, units in wanted.items():
            window = self._windows.get(place)
            if window is None or window.until <= asked_at:
                window = NO_WINDOW
            if units > window.left:
                places.append(place)
                questions.append(_question(place, window, units - window.left, asked_at))
        leases = await self._counters.lease(questions) if questions else None
        if leases:
            for place, question, lease in zip(places, questions, leases, strict=True):
                self._keep(place, question, lease, asked_at)

    def _keep(self, place: Place, question: Question, lease: Lease, asked_at: float) -> None:
        now = monotonic()
        until = asked_at + lease.seconds
        window = self._windows.get(place)
        if window is None or window.until <= now:
            window = self._open(place, until, until - now)
        else:
            window.owed -= question.owed
            if abs(window.until - until) > 1:
                window.reset_at = moment(until - now)
            window.until = until
        # Who waited too long was served meanwhile, by what this lease is for.
        paid = min(window.owed, lease.granted)
        window.owed -= paid
        window.left += lease.granted - paid
        window.own += lease.granted - paid
        window.free = window.room = lease.free

    def _open(self, place: Place, until: float, seconds: float) -> Window:
        """A new window in the place of an old one; the one begun longest ago is forgotten."""
        window = self._windows[place] = Window(until, moment(seconds))
        self._windows.move_to_end(place)
        if len(self._windows) > MAX_WINDOWS:
            _, forgotten = self._windows.popitem(last=False)
            forgotten.until = 0.0
        return window

    def _help_itself(self, allowance: Allowance, window: Window, cost: int) -> None:
        """Take from this replica's share of what nobody had leased when last heard."""
        share = max(1, allowance.limit // self._counters.replicas)
        window.room = max(0, min(window.free, share - window.own))
        if window.left + window.room < cost:
            return
        taken = min(window.room, max(cost - window.left, _part(allowance)))
        window.left += taken
        window.own += taken
        window.owed += taken
        window.free -= taken
        window.room -= taken

    def _give_back(self, charges: Iterable[Charge]) -> None:
        for charge in charges:
            charge.window.left += charge.cost


def _question(place: Place, window: Window, units: int, now: float) -> Question:
    allowance, key = place
    return Question(
        f"limit:{allowance.name}:{key}",
        allowance.limit,
        allowance.seconds,
        max(units, _part(allowance)),
        window.owed,
        window.until - now if window.owed else 0.0,
    )


def _part(allowance: Allowance) -> int:
    return max(1, allowance.limit // PARTS)
