"""The one place where a request waits: for news, for a failure, or until it is too late."""

import asyncio
from abc import ABC, abstractmethod

from libs.common.clock import monotonic


class Waiting(ABC):
    """Who waits. One coroutine at a time."""

    __slots__ = ("_clock", "_loop", "_waiter", "failure")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self._clock: asyncio.TimerHandle | None = None
        self.failure: Exception | None = None

    @abstractmethod
    def _until(self) -> float:
        """When, on the monotonic clock, it is too late."""

    @abstractmethod
    def _late(self) -> Exception:
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
        """Fail when it is too late; look again when it may be."""
        if self._clock:
            self._clock.cancel()
        left = self._until() - monotonic()
        if left <= 0:
            self.fail(self._late())
        else:
            self._clock = self._loop.call_later(left, self.look_at_clock)

    def stop_clock(self) -> None:
        """Nothing is waited for any more."""
        if self._clock:
            self._clock.cancel()
            self._clock = None
