"""What both transports share: the pause before a redelivery, and one listener of the broadcast."""

import asyncio
import random
from collections.abc import Callable

from libs.common.bus.protocol import Listener, Message
from libs.common.logging import get_logger

log = get_logger(__name__)

FIRST_PAUSE_SECONDS = 0.05
MAX_PAUSE_SECONDS = 5.0
KEPT_FOR_A_LISTENER = 1_000
SPENT = "DELIVERY_LIMIT"
"""Why a message is parked that took its limit of deliveries and never let its receiver say why."""
GRACE_SECONDS = 10.0
"""How long a cancelled subscription waits for receivers at work before it takes them away."""


def retry_pause(attempt: int) -> float:
    """Seconds until a message is redelivered whose delivery number `attempt` failed."""
    pause: float = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(attempt - 1, 10))
    return pause * random.uniform(0.5, 1)  # noqa: S311 - jitter


async def finish(tasks: set[asyncio.Task[None]], *, grace: float) -> None:
    """Wait until `tasks` end; cancel those that take longer, or when whoever waits is cancelled.

    A receiver that cancels its own subscription does not wait for itself.
    """
    others = tasks - {asyncio.current_task()}
    if not others:
        return
    try:
        await asyncio.wait(others, timeout=grace)
    finally:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class Listening:
    """Feeds one listener, one message at a time; what it cannot keep up with is dropped."""

    def __init__(self, listener: Listener, *, left: Callable[["Listening"], None]) -> None:
        self._listener = listener
        self._left = left
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(KEPT_FOR_A_LISTENER)
        self._dropped = 0
        self._task = asyncio.create_task(self._run())

    def offer(self, message: Message) -> None:
        """Hand over a message, or drop it when too many wait already."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self._dropped += 1
            if self._dropped == 1:
                log.warning("bus.listener_slow", topic=message.topic)

    async def cancel(self) -> None:
        """Hear no more."""
        self._left(self)
        self._task.cancel()
        if self._task is not asyncio.current_task():
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            message = await self._waiting.get()
            if self._dropped and self._waiting.empty():
                log.warning("bus.listener_dropped", count=self._dropped)
                self._dropped = 0
            try:
                await self._listener(message)
            except Exception:
                log.exception("bus.listener_failed", topic=message.topic)
