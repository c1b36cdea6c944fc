"""A receiver of one queue: attempts, retries, and parking what cannot be received."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from libs.common.bus.listening import GRACE_SECONDS, SPENT, finish, retry_pause
from libs.common.bus.protocol import BusDown, Delivery, Poison, Receiver
from libs.common.bus.rabbit.attached import Attached
from libs.common.bus.rabbit.letters import delivery_of, parked
from libs.common.bus.rabbit.link import Link, reaching
from libs.common.bus.rabbit.publishing import Publisher
from libs.common.bus.rabbit.topology import Topology
from libs.common.logging import get_logger

log = get_logger(__name__)

HELD = 20
"""Messages a consumer may hold back to try again later, on top of its prefetch."""


class Consumption(Attached):
    """A receiver of one queue."""

    def __init__(
        self,
        link: Link,
        publisher: Publisher,
        topology: Topology,
        *,
        queue: str,
        receiver: Receiver,
        prefetch: int,
        limit: int,
        deadline: float,
        left: Callable[[Any], None],
    ) -> None:
        self.queue = queue
        self._publisher = publisher
        self._topology = topology
        self._receiver = receiver
        self._prefetch = prefetch
        self._limit = limit
        self._waiting: deque[AbstractIncomingMessage] = deque()
        self._at_work: set[asyncio.Task[None]] = set()
        self._held: set[asyncio.Task[None]] = set()
        self._tag = ""
        super().__init__(link, deadline=deadline, left=left)

    @property
    def unsettled(self) -> int:
        """Messages the broker has given us and knows nothing more of."""
        return len(self._waiting) + len(self._at_work) + len(self._held)

    async def cancel(self, *, grace: float = GRACE_SECONDS) -> None:
        """Take no more, and wait for those at work; the rest goes back with the channel."""
        self._is_leaving = True
        try:
            await self._stop_deliveries()
            await finish(self._at_work, grace=grace)
        finally:
            await finish(self._at_work | self._held, grace=0)
            await self._leave()

    async def _attach(self, channel: AbstractChannel) -> None:
        await self._topology.restore(channel, self.queue)
        await channel.set_qos(prefetch_count=self._prefetch + HELD)
        queue = await channel.get_queue(self._topology.queue(self.queue), ensure=False)
        self._tag = await queue.consume(self._take)

    def _detached(self) -> None:
        self._waiting.clear()
        for task in self._held:
            task.cancel()

    async def _stop_deliveries(self) -> None:
        if (channel := self._channel) is None:
            return
        with suppress(BusDown):
            async with reaching(self._deadline):
                wire = await channel.get_underlay_channel()
                await wire.basic_cancel(self._tag)
                # They were never begun: that is no failure of theirs.
                while self._waiting:
                    await self._waiting.popleft().nack(requeue=True)

    async def _take(self, incoming: AbstractIncomingMessage) -> None:
        self._waiting.append(incoming)
        self._pump()

    def _pump(self) -> None:
        while self._waiting and len(self._at_work) < self._prefetch and not self._is_leaving:
            incoming = self._waiting.popleft()
            task = asyncio.create_task(self._handle(incoming), name=f"hear {self.queue}")
            self._at_work.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("bus.unsettled", queue=self.queue, error_type=type(error).__name__)
        self._pump()

    async def _handle(self, incoming: AbstractIncomingMessage) -> None:
        delivery = delivery_of(incoming)
        reason = await self._receive(delivery)
        if reason is None:
            await self._settle(incoming, done=True)
        elif reason:
            await self._park(incoming, delivery, reason)
        else:
            self._hold(incoming, delivery)

    async def _receive(self, delivery: Delivery) -> str | None:
        """None when it was received; else why to park it, or "" to try again."""
        if delivery.attempt > self._limit:
            return SPENT
        try:
            await self._receiver(delivery)
        except Poison as poison:
            return str(poison) or "POISON"
        except Exception as error:  # noqa: BLE001 - whatever it is, the message is not lost by it
            reason = type(error).__name__
            log.warning(
                "bus.redelivering",
                queue=self.queue,
                topic=delivery.message.topic,
                event_id=delivery.message.id,
                attempt=delivery.attempt,
                error_type=reason,
            )
            return reason if delivery.attempt >= self._limit else ""
        return None

    async def _park(
        self, incoming: AbstractIncomingMessage, delivery: Delivery, reason: str
    ) -> None:
        try:
            await self._publisher.put(
                self._topology.dead_queue(self.queue), parked(delivery, reason)
            )
        except BusDown:
            self._hold(incoming, delivery)
            return
        log.warning(
            "bus.parked",
            queue=self.queue,
            topic=delivery.message.topic,
            event_id=delivery.message.id,
            attempt=delivery.attempt,
            reason=reason,
        )
        await self._settle(incoming, done=True)

    def _hold(self, incoming: AbstractIncomingMessage, delivery: Delivery) -> None:
        """Give it back a little later; the others do not wait for it."""

        async def give_back() -> None:
            await asyncio.sleep(retry_pause(delivery.attempt))
            await self._settle(incoming, done=False)

        task = asyncio.create_task(give_back())
        self._held.add(task)
        task.add_done_callback(self._held.discard)

    async def _settle(self, incoming: AbstractIncomingMessage, *, done: bool) -> None:
        """Acknowledge or reject; on a channel that is gone, the broker has taken it back.

        A reject counts as a failed delivery in every version; since 4.3, a nack does not.
        """
        tag = incoming.delivery_tag or 0
        with suppress(BusDown):
            async with reaching(self._deadline):
                if done:
                    await incoming.channel.basic_ack(tag, wait=False)
                else:
                    await incoming.channel.basic_reject(tag, requeue=True, wait=False)
