"""A line of waiters, and when it stands.

A line is for bursts. One whose head has been late for half a second is no burst: waiting in it
would serve everybody late, so from then on the newest goes first and only a few newcomers wait, not
for long; the others are refused at once. When it has run empty and refused nobody for a moment it
is a line again.
"""

import asyncio
import math
from collections import deque

LATE_SECONDS = 0.2
"""A longer wait is late; and the patience of those who come while the line stands."""
STANDING_SECONDS = 0.5
"""A line whose head has been late for this long stands."""


class Waiter:
    """A call that waits: its turn is True for a slot, False when it was shed."""

    __slots__ = ("is_waiting", "line", "since", "turn")

    def __init__(self, line: "Line", since: float) -> None:
        self.line = line
        self.since = since
        self.is_waiting = True
        self.turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class Line:
    """The waiters of one priority, the oldest on the left."""

    def __init__(self, standing_seconds: float, few: int) -> None:
        self.waiters: deque[Waiter] = deque()
        self.stands = False
        self._few = few
        self._standing_seconds = standing_seconds
        self._stands_since = math.inf
        self._refused_at = -math.inf
        self._late_since: float | None = None

    def look(self, now: float) -> None:
        """See whether the line stands: from being late, to being empty and refusing nobody."""
        if not self.waiters:
            if now - self._refused_at > LATE_SECONDS:
                self.stands = False
            self._late_since = None
        elif not self.stands:
            late_since = self.waiters[0].since + LATE_SECONDS
            if now < late_since:
                self._late_since = None
            elif self._late_since is None:
                self._late_since = late_since
            else:
                self.stands = now - self._late_since > self._standing_seconds
                self._stands_since = now

    def refuses(self, now: float) -> bool:
        """Whether a newcomer would wait in vain: it stands, and a few who came since wait."""
        if not self.stands or len(self.waiters) < self._few:
            return False
        if self.waiters[-self._few].since < self._stands_since:
            return False
        self._refused_at = now
        return True

    def first(self) -> Waiter:
        """Who is to be served."""
        return self.waiters[-1 if self.stands else 0]

    def last(self) -> Waiter:
        """Who would be served after everybody else."""
        return self.waiters[0 if self.stands else -1]
