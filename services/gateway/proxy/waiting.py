"""The one place where a request waits: for news, for a failure, or until it is too late."""

import asyncio
from abc import ABC, abstractmethod

from libs.common.clock import monotonic


class Waiting(ABC):
    """Who waits. One coroutine at a time; a sweeper looks at the clock for all."""

    _loop: asyncio.AbstractEventLoop
    _waiter: asyncio.Future[None] | None = None
    failure: Exception | None = None
    until = float("inf")
    """When to look at the clock."""

    @abstractmethod
    def _too_late(self) -> float:
        """When, on the monotonic clock, it is too late, as things stand."""

    @abstractmethod
    def _lateness(self) -> Exception:
        """What is the matter when it is."""

    async def news(self) -> None:
        """Until something is new. Raises what ended the waiting."""
        if self.failure:
            raise self.failure
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self.failure:
            raise self.failure

    def wake(self) -> None:
        """Something is new."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def fail(self, error: Exception) -> None:
        """It will not come. The first reason stays."""
        if self.failure is None:
            self.failure = error
        self.wake()

    def look_at_clock(self) -> None:
        """Fail when it is too late; know when to look again."""
        self.until = self._too_late()
        if self.until <= monotonic():
            self.until = float("inf")
            self.fail(self._lateness())
