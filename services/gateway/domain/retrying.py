"""Retry budget: trying again helps against a hiccup and makes an outage worse.

Only calls that may be made twice are tried again, each goes through breaker and queue like any
other, and all together they are a small part of the calls of the last seconds.
"""

from collections.abc import Callable

from libs.common.clock import monotonic
from services.gateway.domain.counting import Window

SECONDS = 10
SHARE = 0.1
FLOOR_PER_SECOND = 1.0
"""So much is always allowed: ten per cent of next to nothing would never be one."""


class RetryBudget:
    """The retries of one upstream: in any ten seconds, `share` of its calls or the floor."""

    def __init__(
        self,
        *,
        share: float = SHARE,
        floor_per_second: float = FLOOR_PER_SECOND,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._share = share
        self._floor = floor_per_second * SECONDS
        self._clock = clock
        # Windows are a step short: the calls of 9 to 10 s pay for the retries of 10 to 11 s, so
        # that no ten seconds, wherever they begin, have more than they may.
        self._calls = Window(SECONDS, steps=SECONDS)
        self._retries = Window(SECONDS + 1, steps=SECONDS + 1)

    def note(self) -> None:
        """A client's call is made; its retries are none."""
        self._calls.add(self._clock())

    def may_retry(self) -> bool:
        """Take one retry out of the budget, if there is one left."""
        now = self._clock()
        allowed = max(self._share * self._calls.total(now), self._floor)
        if self._retries.total(now) + 1 > allowed:
            return False
        self._retries.add(now)
        return True
