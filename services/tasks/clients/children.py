"""Child processes for work that is heavy or dangerous: they can be killed, and nobody else is hurt.

They are started at first use, not with the service, and import only what their work needs.
"""

import asyncio
import ctypes
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.popen_spawn_posix import Popen
from types import ModuleType
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from libs.common.clock import monotonic
from libs.common.errors import AppError

R = TypeVar("R")

TASKS_PER_CHILD = 1000
MEMORY_BYTES = 1536 * 1024 * 1024
STOP_SECONDS = 5.0
IDLE_SECONDS = 120.0
DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


class HardTimeLimit(AppError):
    """The work did not end in time, and its process was killed."""

    code = "HARD_TIME_LIMIT"


class ChildDied(AppError):
    """The process that did the work ended in the middle of it."""

    code = "CHILD_DIED"


class Children:
    """A few processes that do what they are told, one thing at a time each."""

    def __init__(self, count: int, *, hard_limit: float) -> None:
        self._count = count
        self._hard_limit = hard_limit
        self._pool: ProcessPool | None = None
        self._opening = threading.Lock()
        self._promised: set[ProcessFuture[Any]] = set()
        self._used_at = monotonic()

    async def run(self, work: Callable[..., R], *arguments: Any) -> R:
        """What `work` returns, done in a child. Raises HardTimeLimit, ChildDied, or what it raised.

        Cancelling this kills the child.
        """
        # Starting the first children takes tens of milliseconds: not on the loop.
        self._used_at = monotonic()
        future = await asyncio.to_thread(partial(self._schedule, work, arguments))
        self._promised.add(future)
        try:
            found: R = await asyncio.wrap_future(future)
        except TimeoutError:
            raise HardTimeLimit("The work did not end in time.") from None
        except ProcessExpired:
            raise ChildDied("The process that did the work ended.") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise ChildDied("The children were told to end.") from None
        finally:
            self._promised.discard(future)
            self._used_at = monotonic()
        return found

    async def tend(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Let children go that have had nothing to do, until cancelled: they cost 50 MB each."""
        while True:
            await asyncio.sleep(idle_seconds / 4)
            if not self._promised and monotonic() - self._used_at > idle_seconds:
                await self.close()

    async def close(self) -> None:
        """End every child, whatever it does; who waits for one is told that it died."""
        pool, self._pool = self._pool, None
        for future in list(self._promised):
            future.cancel()  # type: ignore[no-untyped-call]
        if pool is not None:
            await asyncio.to_thread(_ended, pool)

    def _schedule(self, work: Callable[..., R], arguments: tuple[Any, ...]) -> ProcessFuture[R]:
        with self._opening:
            if self._pool is None or not self._pool.active:
                self._pool = ProcessPool(
                    self._count,
                    max_tasks=TASKS_PER_CHILD,
                    initializer=_prepare,
                    context=_Bare(),
                )
            return self._pool.schedule(work, args=list(arguments), timeout=self._hard_limit)


class _Process(SpawnProcess):
    """A spawned process that does not load the program it was started by."""

    @staticmethod
    def _Popen(process: Any) -> Popen:  # noqa: N802 - multiprocessing's name
        with _launching, _bare_main():
            return Popen(process)


class _Bare(SpawnContext):
    """Children with nothing of ours in them but their work.

    A forked child would hold our locks, sockets and connections; a spawned one imports the main
    module again, which here is six services (100 MB and a second).
    """

    Process = _Process


_launching = threading.Lock()


@contextmanager
def _bare_main() -> Iterator[None]:
    """Show an empty main module while a child is told what to load."""
    ours = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = ours


def _prepare() -> None:
    """In a child: end with the parent, leave Ctrl-C to it, and take no more than a photo needs."""
    if sys.platform == "linux":
        # The parent enforces the limits: without it, a child that spins would spin for ever.
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _ended(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join(timeout=STOP_SECONDS)
