"""Who runs where: the load client on one core of its own, the system on the others.

A client that sends ten times what a system can do takes time away from it on a shared core, and
the figures would say less about the system than about the client. Capacity is found
the same way.
"""

import os
import resource
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


class Cores:
    """The cores of this machine, divided."""

    def __init__(self) -> None:
        self._all = os.sched_getaffinity(0)
        *system, client = sorted(self._all)
        self._system = set(system) or {client}
        self._client = {client}

    def __str__(self) -> str:
        return f"the system on core {sorted(self._system)}, the client on {sorted(self._client)}"

    @asynccontextmanager
    async def divided(self, system: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """What `system` starts as it is entered runs on its cores; we run on ours meanwhile."""
        os.sched_setaffinity(0, self._system)
        try:
            async with system as entered:
                os.sched_setaffinity(0, self._client)
                yield entered
        finally:
            os.sched_setaffinity(0, self._all)


def allow_many_sockets() -> None:
    """Raise this process's limit, and that of what it starts, as far as it may be."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
