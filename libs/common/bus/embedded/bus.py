"""The embedded bus: queues in one file, mirrored in memory, fed without polling."""

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path

from libs.common.bus.embedded.lock import Lock
from libs.common.bus.embedded.queue import Queue
from libs.common.bus.embedded.rows import Row
from libs.common.bus.embedded.store import Store
from libs.common.bus.embedded.writer import Writer
from libs.common.bus.listening import GRACE_SECONDS, Listening
from libs.common.bus.protocol import (
    DELIVERY_LIMIT,
    BusDown,
    DeadLetter,
    Listener,
    Message,
    Receiver,
    Subscription,
)

CHUNK = 500
"""Messages redriven in one transaction, so that publishers need not wait for all of them."""


class EmbeddedBus:
    """A durable broker for all the services of one process, which share one instance.

    `start` may be called by each of them; `close` is for whoever made it. Topics are matched as a
    whole, or by `#`.
    """

    def __init__(
        self, path: Path, *, delivery_limit: int = DELIVERY_LIMIT, publish_deadline: float = 5.0
    ) -> None:
        self._path = path
        self._limit = delivery_limit
        self._deadline = publish_deadline
        self._queues: dict[str, Queue] = {}
        self._listeners: set[Listening] = set()
        self._writer: Writer | None = None
        self._lock = Lock(path)
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Open the file, or do nothing if it is open. Raises BusInUse."""
        async with self._starting:
            if self._writer:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.take()
            try:
                writer = Writer(self._path)
                await writer.start()
                depths = await writer.submit(Store.depths)
            except BaseException:
                self._lock.release()
                raise
            self._queues = {
                name: Queue(name, writer, depth=depth, limit=self._limit)
                for name, depth in depths.items()
            }
            self._writer = writer

    async def close(self) -> None:
        """Cancel every subscription, write what is to be written, and let go of the file."""
        async with self._starting:
            writer, self._writer = self._writer, None
            if not writer:
                return
            try:
                await self._cancel(GRACE_SECONDS)
            finally:
                await self._cancel(0)
                await writer.stop()
                self._lock.release()

    async def declare(self, queue: str, topics: Sequence[str], *, restricted: bool) -> None:
        """Make `queue` durable and bound to exactly `topics`; a binding gone is gone at once."""
        writer = self._opened()

        def made(_: None) -> None:
            if queue not in self._queues:
                self._queues[queue] = Queue(queue, writer, depth=0, limit=self._limit)

        await writer.submit(lambda store: store.declare(queue, topics, restricted=restricted), made)

    async def publish(self, messages: Sequence[Message]) -> int:
        """Write all of `messages` in one transaction: either none or all of them are safe."""
        if not messages:
            return 0
        written = self._opened().submit(
            lambda store: store.publish(messages, self._queues),
            lambda placed: self._published(messages, placed),
        )
        await self._in_time(written)
        return len(messages)

    async def consume(self, queue: str, receiver: Receiver, *, prefetch: int) -> Subscription:
        """Deliver `queue`, which was declared before, to `receiver`."""
        self._opened()
        if queue not in self._queues:
            raise LookupError(f"Queue {queue!r} was never declared.")
        return self._queues[queue].consume(receiver, prefetch)

    async def broadcast(self, listener: Listener) -> Subscription:
        """Give `listener` a copy of every unrestricted message from now on."""
        self._opened()
        listening = Listening(listener, left=self._listeners.discard)
        self._listeners.add(listening)
        return listening

    async def depth(self, queue: str) -> int:
        """Messages that wait in `queue` or are with a receiver; none in one never declared."""
        self._opened()
        return self._queues[queue].depth if queue in self._queues else 0

    async def dead(self, queue: str, *, limit: int = 100) -> list[DeadLetter]:
        """The oldest parked messages of `queue`."""
        return await self._opened().submit(lambda store: store.dead(queue, limit))

    async def redrive(self, queue: str, ids: Sequence[str] | None = None) -> int:
        """Put parked messages back at the end of `queue`, with a clean slate."""
        if ids is not None:
            return await self._redrive(queue, ids, -1)
        # Counted first: what is parked again meanwhile is not driven in circles.
        left = await self._opened().submit(lambda store: store.parked(queue))
        moved = 0
        while left > moved and (
            count := await self._redrive(queue, None, min(CHUNK, left - moved))
        ):
            moved += count
        return moved

    async def ping(self) -> None:
        """Write to the file; raise BusDown if it takes nothing."""
        await self._in_time(self._opened().submit(Store.touch))

    async def _cancel(self, grace: float) -> None:
        await asyncio.gather(
            *(each.cancel() for each in list(self._listeners)),
            *(queue.close(grace=grace) for queue in self._queues.values()),
        )

    async def _redrive(self, queue: str, ids: Sequence[str] | None, limit: int) -> int:
        def moved(count: int) -> None:
            if queue in self._queues:
                self._queues[queue].reread(count)

        return await self._opened().submit(lambda store: store.redrive(queue, ids, limit), moved)

    def _published(self, messages: Sequence[Message], placed: dict[str, list[Row]]) -> None:
        for queue, rows in placed.items():
            self._queues[queue].offer(rows)
        for listening in self._listeners:
            for message in messages:
                if not message.restricted:
                    listening.offer(message)

    async def _in_time(self, written: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                await written
        except TimeoutError:
            raise BusDown("The bus did not write to its file in time.") from None

    def _opened(self) -> Writer:
        if self._writer is None:
            raise BusDown("The bus is closed.")
        return self._writer
