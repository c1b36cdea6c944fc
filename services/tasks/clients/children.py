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
ENDING = "The children were told to end."


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
        self._is_closed = False
        self._asked = 0
        self._promised: set[ProcessFuture[Any]] = set()
        self._used_at = monotonic()

    async def run(self, work: Callable[..., R], *arguments: Any) -> R:
        """What `work` returns, done in a child. Raises HardTimeLimit, ChildDied, or what it raised.

        Cancelling this kills the child.
        """
        self._asked += 1
        try:
            # Starting the first children takes tens of milliseconds: not on the loop.
            pool = await asyncio.to_thread(self._opened)
            return await self._promise(pool, work, arguments)
        finally:
            self._asked -= 1
            self._used_at = monotonic()

    async def tend(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Let children go that have had nothing to do, until cancelled: they cost 50 MB each."""
        while True:
            await asyncio.sleep(idle_seconds / 4)
            if not self._asked and monotonic() - self._used_at > idle_seconds:
                await asyncio.to_thread(_end, self._taken())

    async def close(self) -> None:
        """End every child for good, whatever it does; who waits for one is told that it died."""
        self._is_closed = True
        for future in list(self._promised):
            future.cancel()  # type: ignore[no-untyped-call]
        # Somebody may be opening the pool this very moment: that is waited for, off the loop.
        await asyncio.to_thread(_end, await asyncio.to_thread(self._taken))

    async def _promise(
        self, pool: ProcessPool, work: Callable[..., R], arguments: tuple[Any, ...]
    ) -> R:
        if self._is_closed:
            raise ChildDied(ENDING)
        future = pool.schedule(work, args=list(arguments), timeout=self._hard_limit)
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
            raise ChildDied(ENDING) from None
        finally:
            self._promised.discard(future)
        return found

    def _opened(self) -> ProcessPool:
        with self._opening:
            if self._is_closed:
                raise ChildDied(ENDING)
            if self._pool is None or not self._pool.active:
                self._pool = ProcessPool(
                    self._count,
                    max_tasks=TASKS_PER_CHILD,
                    initializer=_prepare,
                    context=_Bare(),
                )
                _ = self._pool.active  # asking starts it
            return self._pool

    def _taken(self) -> ProcessPool | None:
        with self._opening:
            pool, self._pool = self._pool, None
        return pool


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


def _end(pool: ProcessPool | None) -> None:
    if pool is not None:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join(timeout=STOP_SECONDS)
