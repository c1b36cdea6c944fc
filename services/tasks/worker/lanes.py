"""Workers: consumers of the lanes, who take what they are told of and see it through.

A queue only says that a task is ready. Whoever claims its row does it, within limits; how it ended
is written only by the attempt that still counts. Every wait here ends: with a limit, with the
lease, or when the service does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError

from libs.common.bus.protocol import Bus, Delivery, Poison, Subscription
from libs.common.contracts.tasks import TaskReady
from libs.common.db.uow import UnitOfWork
from libs.common.errors import AppError, Conflict, NotFound, Unavailable
from libs.common.events import Envelope
from libs.common.logging import get_logger
from libs.common.telemetry import span
from services.tasks.clients.children import ChildDied, HardTimeLimit
from services.tasks.clients.peers import Overtaken
from services.tasks.domain import ledger
from services.tasks.domain.lanes import SLOTS, declare_lane, queue_of
from services.tasks.domain.registry import Job, Outcome, Registry, Tools
from services.tasks.models import Lane, Task

log = get_logger(__name__)

PAUSE_SECONDS = 0.5
LEAVE_SECONDS = 5.0
BATCH = 100


class SoftTimeLimit(AppError):
    """The work took longer than it should; it was told so, and ended."""

    code = "SOFT_TIME_LIMIT"


class UnknownTask(NotFound):
    """A task of a name this program does not know: a newer one put it there."""

    code = "UNKNOWN_TASK"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long work may take: until it is told to end, is killed, and is taken for lost."""

    soft: float
    hard: float
    lease: float


class Worker:
    """Works lanes until the service ends."""

    def __init__(
        self, uow: UnitOfWork, bus: Bus, *, registry: Registry, tools: Tools, limits: Limits
    ) -> None:
        self._uow = uow
        self._bus = bus
        self._registry = registry
        self._tools = tools
        self._limits = limits
        self._attempts: set[asyncio.Task[None]] = set()

    async def run(self, lanes: Sequence[Lane]) -> None:
        """Work `lanes` until cancelled; then give back what is under way."""
        subscriptions: list[Subscription] = []
        try:
            for lane in lanes:
                subscription = await self._listen(lane)
                subscriptions.append(subscription)
            await asyncio.Event().wait()
        finally:
            await self._leave(subscriptions)

    async def perform(self, task_id: str) -> None:
        """Do a task, if it is there to be done; announcements beyond the first come to nothing."""
        async with self._uow.begin() as tx:
            task = await ledger.claim(tx, task_id, seconds=self._limits.lease)
        if task is None:
            return
        beat = asyncio.create_task(self._beat(task))
        try:
            await self._see_through(task)
        finally:
            beat.cancel()

    async def _see_through(self, task: Task) -> None:
        try:
            outcome = await self._outcome(task)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(task))
            raise
        except Overtaken:
            log.info("task.overtaken", task_id=task.task_id, attempt=task.attempt)
        except Exception as error:  # noqa: BLE001 - whatever it was, the ledger says so
            await self._failed(task, error)
        else:
            await self._succeeded(task, outcome)

    async def _beat(self, task: Task) -> None:
        """Say again and again that the work goes on, so that nobody takes it for lost."""
        lease = self._limits.lease
        while True:
            await asyncio.sleep(lease / 3)
            with suppress(AppError):
                async with self._uow.begin() as tx:
                    if not await ledger.renew(tx, task.task_id, task.attempt, seconds=lease):
                        return

    async def sweep(self) -> None:
        """Announce what is due, has waited long, or lost its worker.

        A lane that has plenty to do is told nothing: what waits there is in its queue already.
        """
        retries = {kind.name: kind.retries for kind in self._registry.values()}
        lanes = [lane for lane in Lane if await self._bus.depth(queue_of(lane)) < BATCH]
        async with self._uow.begin() as tx:
            await ledger.announce_due(tx, lanes=lanes, retries=retries, limit=BATCH)

    async def _listen(self, lane: Lane) -> Subscription:
        queue, slots = queue_of(lane), SLOTS[lane]
        while True:
            try:
                await declare_lane(self._bus, lane)
                return await self._bus.consume(queue, self._receive, prefetch=slots)
            except Unavailable as error:
                log.warning("worker.waiting", lane=lane, code=error.code)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _receive(self, delivery: Delivery) -> None:
        try:
            envelope = Envelope.model_validate_json(delivery.message.body)
            task_id = TaskReady.model_validate(envelope.data).task_id
        except ValidationError:
            raise Poison("MALFORMED_EVENT") from None
        with span("work", parent=envelope.traceparent):
            attempt = asyncio.create_task(self.perform(task_id))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)
        await asyncio.wait({attempt})
        if not attempt.cancelled() and (error := attempt.exception()):
            # The row is the truth, and the sweep announces it again: the message may go.
            log.warning("task.postponed", task_id=task_id, code=_reason(error))

    async def _outcome(self, task: Task) -> Outcome:
        kind = self._registry.get(task.task_name)
        if kind is None:
            raise UnknownTask("Nobody here knows how to do this.")
        arguments = kind.arguments.model_validate(task.arguments)
        job = Job(task.task_id, task.attempt, self._tools)
        hard, soft = asyncio.timeout(self._limits.hard), asyncio.timeout(self._limits.soft)
        try:
            async with hard, soft:
                return await kind.work(arguments, job)
        except TimeoutError:
            if soft.expired():
                raise SoftTimeLimit("It took longer than it should.") from None
            if hard.expired():
                raise HardTimeLimit("It took longer than it may.") from None
            raise

    async def _succeeded(self, task: Task, outcome: Outcome) -> None:
        kind = self._registry[task.task_name]

        async def write() -> bool:
            async with self._uow.begin() as tx:
                return await ledger.succeed(tx, task.task_id, task.attempt, kind, outcome)

        await self._written(task, write)

    async def _failed(self, task: Task, error: Exception) -> None:
        reason = _reason(error)
        log.warning(
            "task.attempt_failed",
            task_id=task.task_id,
            task_name=task.task_name,
            attempt=task.attempt,
            reason=reason,
            exc_info=None if isinstance(error, AppError) else error,
        )
        is_hopeless = isinstance(error, NotFound | ValidationError)
        kind = None if is_hopeless else self._registry.get(task.task_name)

        async def write() -> bool:
            async with self._uow.begin() as tx:
                if isinstance(error, HardTimeLimit | ChildDied):
                    ledger.record_kill(tx, task.task_id, task.attempt, reason=reason)
                return await ledger.fail(tx, task.task_id, task.attempt, kind, reason=reason)

        await self._written(task, write)

    async def _give_back(self, task: Task) -> None:
        with suppress(AppError):
            async with self._uow.begin() as tx:
                await ledger.give_back(tx, task.task_id, task.attempt)

    async def _written(self, task: Task, write: Callable[[], Awaitable[bool]]) -> None:
        """Write how an attempt ended, as soon as the database lets us; until it counts no more."""
        async with asyncio.timeout(self._limits.lease):
            while True:
                try:
                    if not await write():
                        log.info("task.discarded", task_id=task.task_id, attempt=task.attempt)
                except (Unavailable, Conflict) as error:
                    log.warning("task.unwritten", task_id=task.task_id, code=error.code)
                    await asyncio.sleep(PAUSE_SECONDS)
                else:
                    return

    async def _leave(self, subscriptions: Sequence[Subscription]) -> None:
        """Take no more, and give back what is under way; what came meanwhile, too."""
        ending = asyncio.gather(*(each.cancel() for each in subscriptions))
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                while not ending.done():
                    for attempt in self._attempts:
                        attempt.cancel()
                    await asyncio.wait({ending}, timeout=LEAVE_SECONDS / 10)


def _reason(error: BaseException) -> str:
    return error.code if isinstance(error, AppError) else type(error).__name__
