"""A queue: what waits in it, and the receivers it is handed out to."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from libs.common.bus.embedded.rows import Page, Room, Row
from libs.common.bus.embedded.window import BYTES, ROWS, Window
from libs.common.bus.embedded.writer import Writer
from libs.common.bus.listening import GRACE_SECONDS, SPENT, finish, retry_pause
from libs.common.bus.protocol import Delivery, Poison, Receiver
from libs.common.logging import get_logger

log = get_logger(__name__)

SETTLE_SECONDS = 0.005
"""What was received is deleted this much later: deletions share a commit."""
UNWRITABLE_SECONDS = 0.5


class Consumption:
    """One receiver of a queue."""

    def __init__(
        self, receiver: Receiver, prefetch: int, left: Callable[["Consumption"], None]
    ) -> None:
        self.receiver = receiver
        self.tasks: set[asyncio.Task[None]] = set()
        self._prefetch = prefetch
        self._left = left

    @property
    def free(self) -> int:
        """Messages it would take now."""
        return self._prefetch - len(self.tasks)

    async def receive(self, delivery: Delivery) -> None:
        """Let the receiver have it."""
        await self.receiver(delivery)

    async def cancel(self, *, grace: float = GRACE_SECONDS) -> None:
        """Take no more, and wait for those at work."""
        self._left(self)
        await finish(self.tasks, grace=grace)


class Queue(Room):
    """Hands rows out in order; those that failed again after a pause, before the others.

    No receiver sees a row before its delivery is counted on disk: a message that kills its reader
    is found out, however fast it kills.
    """

    def __init__(self, name: str, writer: Writer, *, depth: int, limit: int) -> None:
        self.name = name
        self.depth = depth
        self._writer = writer
        self._limit = limit
        self._window = Window(is_behind=depth > 0)
        self._receivers: deque[Consumption] = deque()
        self._received: list[int] = []
        self._is_settling = False
        self._is_counting = False
        self._is_paging = False
        self._is_closed = False
        self._paused = 0

    def consume(self, receiver: Receiver, prefetch: int) -> Consumption:
        """Begin to hand out to `receiver`."""
        consumption = Consumption(receiver, prefetch, self._leave)
        self._receivers.append(consumption)
        self.pump()
        return consumption

    async def close(self, *, grace: float) -> None:
        """Take every receiver away, and write down what they received."""
        await asyncio.gather(*(each.cancel(grace=grace) for each in list(self._receivers)))
        self._is_closed = True
        self._settle()

    def offer(self, rows: list[Row]) -> None:
        """Take in rows just written at the end."""
        self.depth += len(rows)
        self._window.offer(rows)
        self.pump()

    def reread(self, count: int) -> None:
        """So many rows came back to the end of the queue, in the file."""
        self.depth += count
        self._window.is_behind |= count > 0
        self.pump()

    def pump(self) -> None:
        """Hand out what can be handed out, and read on."""
        if self._is_closed:
            return
        while not self._is_counting and (rows := self._take()):
            fresh = [row for row in rows if row.reserved or row.attempts < self._limit]
            for row in rows:
                if row not in fresh:
                    self._park(SPENT, row)
            if all(row.reserved for row in fresh):
                self._start(fresh)
            else:
                self._count(fresh)
        if self._window.wants_page and self._receivers and not self._is_paging:
            self._turn_page()
        is_idle = not (self._is_counting or self._window or self._window.is_behind)
        self.free = self._room if is_idle else 0

    @property
    def _room(self) -> int:
        """How many may be handed out now; none while too many wait to be tried again."""
        if self._paused >= ROWS:
            return 0
        return sum(max(0, each.free) for each in self._receivers)

    def _take(self) -> list[Row]:
        return self._window.take(self._room)

    def _turn_page(self) -> None:
        self._is_paging = True
        after = self._window.read
        page = self._writer.submit(
            lambda store: store.page(self.name, after=after, count=ROWS, size=BYTES),
            self._window.add,
        )
        page.add_done_callback(self._page_turned)

    def _page_turned(self, page: "asyncio.Future[Page]") -> None:
        self._is_paging = False
        self._resume(failed=page.exception() is not None)

    def _count(self, rows: list[Row]) -> None:
        """Have the deliveries of `rows` counted on disk, then begin them."""
        self._is_counting = True
        uncounted = [row for row in rows if not row.reserved]
        self._settle()
        counted = self._writer.submit(lambda store: store.count([row.seq for row in uncounted]))
        counted.add_done_callback(partial(self._counted, rows))

    def _counted(self, rows: list[Row], counted: "asyncio.Future[None]") -> None:
        self._is_counting = False
        if failed := counted.exception() is not None:
            self._window.put_back(rows)
        else:
            for row in rows:
                row.attempts += not row.reserved
                row.reserved = True
            self._start(rows)
        self._resume(failed=failed)

    def _start(self, rows: list[Row]) -> None:
        """Begin deliveries; put back those whose receiver has left meanwhile."""
        for place, row in enumerate(rows):
            consumption = next((each for each in self._receivers if each.free > 0), None)
            if consumption is None:
                self._window.put_back(rows[place:])
                return
            self._receivers.rotate(-1)
            row.reserved = False
            task = asyncio.create_task(
                consumption.receive(Delivery(row.message, row.attempts)), name=f"hear {self.name}"
            )
            consumption.tasks.add(task)
            task.add_done_callback(partial(self._ended, consumption, row))

    def _ended(self, consumption: Consumption, row: Row, task: "asyncio.Task[None]") -> None:
        consumption.tasks.discard(task)
        if task.cancelled():
            self._window.put_back([row])
        elif (error := task.exception()) is None:
            self._received.append(row.seq)
            self.depth -= 1
            self._settle_soon(SETTLE_SECONDS)
        elif isinstance(error, Poison):
            self._park(str(error) or "POISON", row)
        elif row.attempts >= self._limit:
            self._park(type(error).__name__, row)
        else:
            self._pause(row, type(error).__name__)
        self.pump()

    def _pause(self, row: Row, reason: str) -> None:
        """Try again a little later; the others do not wait for it."""
        log.warning(
            "bus.redelivering",
            queue=self.name,
            topic=row.message.topic,
            event_id=row.message.id,
            attempt=row.attempts,
            error_type=reason,
        )
        self._paused += 1
        asyncio.get_running_loop().call_later(retry_pause(row.attempts), self._again, row)

    def _again(self, row: Row) -> None:
        self._paused -= 1
        self._window.put_back([row])
        self.pump()

    def _park(self, reason: str, row: Row) -> None:
        log.warning(
            "bus.parked",
            queue=self.name,
            topic=row.message.topic,
            event_id=row.message.id,
            attempt=row.attempts,
            reason=reason,
        )
        parked = self._writer.submit(lambda store: store.park(row.seq, reason))
        parked.add_done_callback(partial(self._parked, reason, row))

    def _parked(self, reason: str, row: Row, parked: "asyncio.Future[None]") -> None:
        if parked.exception() is None:
            self.depth -= 1
        elif not self._is_closed:
            loop = asyncio.get_running_loop()
            loop.call_later(UNWRITABLE_SECONDS, self._park, reason, row)

    def _settle_soon(self, seconds: float) -> None:
        if not self._is_settling:
            self._is_settling = True
            asyncio.get_running_loop().call_later(seconds, self._settle)

    def _settle(self) -> None:
        self._is_settling = False
        seqs, self._received = self._received, []
        if seqs:
            dropped = self._writer.submit(lambda store: store.drop(seqs))
            dropped.add_done_callback(partial(self._settled, seqs))

    def _settled(self, seqs: list[int], dropped: "asyncio.Future[None]") -> None:
        if dropped.exception() is not None and not self._is_closed:
            self._received.extend(seqs)
            self._settle_soon(UNWRITABLE_SECONDS)

    def _resume(self, *, failed: bool) -> None:
        if failed:
            asyncio.get_running_loop().call_later(UNWRITABLE_SECONDS, self.pump)
        else:
            self.pump()

    def _leave(self, consumption: Consumption) -> None:
        if consumption in self._receivers:
            self._receivers.remove(consumption)
        self.pump()
