"""Callers of an upstream, who wait for their turn."""

import asyncio
from collections.abc import Sequence

from services.gateway.domain.queueing import Overloaded, Priority, Slots
from tests.unit.gateway.virtual_time import now, turns

DEFAULT = Priority.DEFAULT
FAR = 1e9


def slots(cap: int = 1, queue: int | None = None, *, taken: int = -1) -> Slots:
    """Slots that are all taken, or `taken` of them."""
    made = Slots(cap, queue=queue, clock=now)
    for _ in range(cap if taken < 0 else taken):
        assert made.try_acquire(DEFAULT)
    return made


class Caller:
    """Somebody who wants a slot."""

    def __init__(self, slots: Slots, priority: Priority = DEFAULT, until: float = FAR) -> None:
        self.ended_at = -1.0
        self.task = asyncio.create_task(self._want(slots, priority, until))

    async def _want(self, slots: Slots, priority: Priority, until: float) -> bool:
        try:
            await slots.acquire(priority, until)
        except Overloaded:
            return False
        finally:
            self.ended_at = now()
        return True

    @property
    def has_slot(self) -> bool:
        return self.task.done() and not self.task.cancelled() and self.task.result()

    @property
    def is_shed(self) -> bool:
        return self.task.done() and not self.task.cancelled() and not self.task.result()


async def callers(slots: Slots, *priorities: Priority) -> list[Caller]:
    come = [Caller(slots, priority) for priority in priorities]
    await turns()
    return come


async def served(slots: Slots, come: Sequence[Caller]) -> list[int]:
    """The order in which they get the one slot that is passed on."""
    order: list[int] = []
    for _ in come:
        slots.release()
        await turns()
        order += [i for i, caller in enumerate(come) if caller.has_slot and i not in order]
    return order
