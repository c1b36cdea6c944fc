"""Circuit breaker: who does not answer is left alone for a moment, then asked by one call alone.

Failures are: no connection, a connection lost before an answer, a deadline that passed while the
service had the call, and 502, 503 or 504 without a Retry-After. A service that says when to come
back is alive and shedding; 4xx and 500 are answers too. Neither good nor bad is a call whose
client left or that never reached the service (it waited for its turn and was shed): it is
abandoned. A kept connection that was found closed and replaced counts once, by how the call ended.
"""

import math
import random
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus

from libs.common.clock import monotonic
from libs.common.logging import get_logger
from services.gateway.domain.counting import Window

log = get_logger(__name__)

FAILURES_IN_A_ROW = 5
FEWEST_RESULTS = 20
"""Below this many in the window a share says nothing."""
WINDOW_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 10.0
PROBE_SECONDS = 12.0
"""A probe that runs longer (an upload, a long poll) keeps nobody else from trying. More than the
deadline of most routes: their probes end before."""
SPREAD = 0.25
"""Pauses are up to this much shorter, so that replicas do not probe in step."""
REFUSED = 0
AWAY = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


def is_failure(status: int, *, has_retry_after: bool) -> bool:
    """Whether an answer of this status means that the service is away."""
    return status in AWAY and not has_retry_after


class Breaker:
    """The breaker of one upstream.

    Each call asks `admit` for a pass and reports with it exactly once. A pass is good for one
    state: what calls of an earlier state report is not heard, and a probe has a pass of its own.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = FAILURES_IN_A_ROW,
        clock: Callable[[], float] = monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.opened = 0
        """How often it opened, failed probes included."""
        self._name = name
        self._failures = failures
        self._clock = clock
        self._chance = chance
        self._epoch = 1
        self.is_closed = True
        self._streak = 0
        self._good = Window(WINDOW_SECONDS, steps=10)
        self._bad = Window(WINDOW_SECONDS, steps=10)
        self._pause = FIRST_PAUSE_SECONDS
        self._open_until = self._probe_until = -math.inf

    @property
    def state(self) -> State:
        """Half-open begins when the pause is over, whether or not a call has come to probe."""
        if self.is_closed:
            return State.CLOSED
        return State.OPEN if self._clock() < self._open_until else State.HALF_OPEN

    @property
    def retry_after(self) -> int:
        """Whole seconds after which to come back; spread, so that not all come at once."""
        left = max(0.0, self._open_until - self._clock())
        return max(1, math.ceil(left)) + int(self._chance() * 3)

    def admit(self) -> int:
        """A pass for one call, or REFUSED (which is false)."""
        if self.is_closed:
            return self._epoch
        now = self._clock()
        if now < self._open_until or now < self._probe_until:
            return REFUSED
        self._epoch += 1
        self._probe_until = now + PROBE_SECONDS
        return self._epoch

    def is_good(self, epoch: int) -> bool:
        """Whether a pass still holds: a call that had to wait asks again before it is made."""
        return epoch == self._epoch

    def succeeded(self, epoch: int) -> None:
        """The service answered; a good probe closes the breaker."""
        if epoch != self._epoch:
            return
        if self.is_closed:
            self._streak = 0
            self._good.add(self._clock())
        else:
            self._close()

    def failed(self, epoch: int) -> None:
        """The service did not answer; a failed probe opens the breaker for twice as long."""
        if epoch != self._epoch:
            return
        now = self._clock()
        if not self.is_closed:
            self._open(now, min(self._pause * 2, LONGEST_PAUSE_SECONDS))
            return
        self._streak += 1
        self._bad.add(now)
        if self._streak >= self._failures or self._is_mostly_bad(now):
            self._open(now, FIRST_PAUSE_SECONDS)

    def abandoned(self, epoch: int) -> None:
        """Nobody knows how the call would have ended; if it was the probe, the next may try."""
        if epoch == self._epoch and not self.is_closed:
            self._epoch += 1
            self._probe_until = -math.inf

    def _is_mostly_bad(self, now: float) -> bool:
        bad = self._bad.total(now)
        results = bad + self._good.total(now)
        return results >= FEWEST_RESULTS and bad * 2 >= results

    def _open(self, now: float, pause: float) -> None:
        self.opened += 1
        self._epoch += 1
        self.is_closed = False
        self._pause = pause
        self._open_until = now + pause * (1 - SPREAD * self._chance())
        self._probe_until = -math.inf
        log.warning("breaker.opened", peer=self._name, seconds=pause)

    def _close(self) -> None:
        self.is_closed = True
        self._streak = 0
        self._good.clear()
        self._bad.clear()
        log.info("breaker.closed", peer=self._name)
