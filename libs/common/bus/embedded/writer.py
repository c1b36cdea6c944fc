"""The one thread that touches the file, and its group commit.

What arrives while a commit is running is written by the next one, together: a commit costs an
fsync, and a busy bus shares it between all who wait.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from libs.common.bus.embedded.store import Store
from libs.common.bus.protocol import BusDown
from libs.common.logging import get_logger

log = get_logger(__name__)

T = TypeVar("T")

BATCH = 512
"""Operations in one transaction: enough to share an fsync, few enough to answer soon."""


@dataclass(slots=True, eq=False)
class _Operation:
    work: Callable[[Store], Any]
    then: Callable[[Any], None]
    future: "asyncio.Future[Any]"
    result: Any = None
    error: Exception | None = None

    def finish(self) -> None:
        """Say in the event loop how it went."""
        if self.error is None:
            self.then(self.result)
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        elif isinstance(self.error, sqlite3.Error):
            down = BusDown("The bus could not write to its file.")
            down.__cause__ = self.error
            self.future.set_exception(down)
        else:
            self.future.set_exception(self.error)


def _nothing(_: object) -> None:
    return


class Writer:
    """Runs operations on the store, in the order they were given, many to a transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._operations: SimpleQueue[_Operation | None] = SimpleQueue()
        self._open: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        # A daemon: a process that forgot to close the bus must still be able to end.
        self._thread = threading.Thread(target=self._run, name="embedded-bus", daemon=True)
        self._healthy = True

    async def start(self) -> None:
        """Open the file. Raises what SQLite raises."""
        self._thread.start()
        await self._open

    async def stop(self) -> None:
        """Write what was given so far, and close the file."""
        self._operations.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    def submit(
        self, work: Callable[[Store], T], then: Callable[[T], None] = _nothing
    ) -> "asyncio.Future[T]":
        """Do `work` in a transaction. Once it is on disk, do `then` here; the future follows.

        `then` of one operation runs before `then` of the next, so that what is in memory changes
        in the order in which the file did.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._operations.put(_Operation(work, then, future))
        return future

    def _run(self) -> None:
        try:
            store = Store(self._path)
        except Exception as error:  # noqa: BLE001 - it is raised where the bus is started
            self._tell(self._open.set_exception, error)
            return
        self._tell(self._open.set_result, None)
        while batch := self._next():
            self._commit(store, batch)
        store.close()
        self._tell(self._ended.set_result, None)

    def _next(self) -> list[_Operation]:
        """What waits, or the first to come; nothing once the end was reached."""
        batch: list[_Operation] = []
        operation = self._operations.get()
        while operation is not None:
            batch.append(operation)
            if len(batch) == BATCH:
                return batch
            try:
                operation = self._operations.get_nowait()
            except Empty:
                return batch
        if batch:
            self._operations.put(None)
        return batch

    def _commit(self, store: Store, batch: list[_Operation]) -> None:
        try:
            store.begin()
            for operation in batch:
                operation.result = operation.work(store)
            store.commit()
        except Exception as error:  # noqa: BLE001 - it is raised where the operation is awaited
            with suppress(sqlite3.Error):
                store.rollback()
            if len(batch) > 1:
                # One of them may be to blame for all.
                for operation in batch:
                    self._commit(store, [operation])
                return
            batch[0].error = error
        self._note(batch[0].error)
        self._tell(_finish, self._loop, batch)

    def _note(self, error: Exception | None) -> None:
        if self._healthy != (error is None):
            self._healthy = error is None
            if error is None:
                log.info("bus.recovered")
            else:
                log.error("bus.write_failed", error_type=type(error).__name__)

    def _tell(self, function: Callable[..., object], *values: object) -> None:
        with suppress(RuntimeError):  # the loop has ended; so has everybody who waited
            self._loop.call_soon_threadsafe(function, *values)


def _finish(loop: asyncio.AbstractEventLoop, batch: list[_Operation]) -> None:
    for operation in batch:
        loop.call_soon(operation.finish)
