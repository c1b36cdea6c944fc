"""The bus on RabbitMQ.

Two connections: the broker stops reading from one that publishes when it runs out of memory, and
what is acknowledged on the other is what gives it room again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from libs.common.bus.listening import GRACE_SECONDS
from libs.common.bus.protocol import (
    DELIVERY_LIMIT,
    BusDown,
    DeadLetter,
    Listener,
    Message,
    Receiver,
    Subscription,
)
from libs.common.bus.rabbit.attached import Attached, Tap
from libs.common.bus.rabbit.consuming import Consumption
from libs.common.bus.rabbit.letters import dead_letter_of, message_of, outgoing
from libs.common.bus.rabbit.link import Link, reaching
from libs.common.bus.rabbit.publishing import Publisher
from libs.common.bus.rabbit.topology import Topology

BACK_LOOKS = 100
BACK_PAUSE_SECONDS = 0.01
"""A quorum queue takes a moment to have messages back that were given back."""


class RabbitBus:
    """Quorum queues under `prefix`, fed by topic exchanges."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        prefix: str = "redress",
        publish_deadline: float = 5.0,
        delivery_limit: int = DELIVERY_LIMIT,
    ) -> None:
        self._deadline = publish_deadline
        self._limit = delivery_limit
        self._topology = Topology(prefix, delivery_limit)
        self._out = Link(url, name=f"{name} publishes", deadline=publish_deadline)
        self._in = Link(url, name=f"{name} consumes", deadline=publish_deadline)
        self._publisher = Publisher(self._out, self._topology, deadline=publish_deadline)
        self._consumptions: set[Consumption] = set()
        self._taps: set[Tap] = set()
        self._is_started = False

    async def start(self) -> None:
        """Begin to connect; wait a moment for it, since a broker mostly is there."""
        if self._is_started:
            return
        self._is_started = True
        self._out.start()
        self._in.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._deadline):
                await self._out.up()
                await self._in.up()

    async def close(self) -> None:
        """Cancel every subscription, then let go of both connections."""
        self._is_started = False
        try:
            await self._cancel(GRACE_SECONDS)
        finally:
            await self._cancel(0)
            await asyncio.gather(self._out.close(), self._in.close())

    async def declare(self, queue: str, topics: Sequence[str], *, restricted: bool) -> None:
        """Make `queue` and its place for dead letters exist, bound to `topics`.

        See `Topology.declare` for the bindings that cannot be taken away.
        """
        async with reaching(self._deadline), self._channel() as channel:
            await self._topology.declare(channel, queue, topics, restricted=restricted)

    async def publish(self, messages: Sequence[Message]) -> int:
        """Publish in order; answer how many from the front the broker confirmed in time."""
        return await self._publisher.publish(messages) if messages else 0

    async def consume(self, queue: str, receiver: Receiver, *, prefetch: int) -> Subscription:
        """Deliver `queue` to `receiver`, over all the connections to come."""
        consumption = Consumption(
            self._in,
            self._publisher,
            self._topology,
            queue=queue,
            receiver=receiver,
            prefetch=prefetch,
            limit=self._limit,
            deadline=self._deadline,
            left=self._consumptions.discard,
        )
        self._consumptions.add(consumption)
        await consumption.begin()
        return consumption

    async def broadcast(self, listener: Listener) -> Subscription:
        """Give `listener` a copy of every unrestricted message while there is a connection."""
        tap = Tap(
            self._in, self._topology, listener, deadline=self._deadline, left=self._taps.discard
        )
        self._taps.add(tap)
        await tap.begin()
        return tap

    async def depth(self, queue: str) -> int:
        """Messages that wait in `queue` or are with a receiver of this bus.

        AMQP does not say what other processes are at work on.
        """
        ours = sum(each.unsettled for each in self._consumptions if each.queue == queue)
        return await self._count(self._topology.queue(queue)) + ours

    async def dead(self, queue: str, *, limit: int = 100) -> list[DeadLetter]:
        """The oldest parked messages, taken out and given back."""
        async with reaching(self._deadline), self._channel() as channel:
            found = self._parked(channel, queue, limit)
            return [dead_letter_of(queue, incoming) async for incoming in found]

    async def redrive(self, queue: str, ids: Sequence[str] | None = None) -> int:
        """Put parked messages back, each confirmed before it is taken from where it was."""
        left = await self._count(self._topology.dead_queue(queue))
        wanted = None if ids is None else frozenset(ids)
        moved = 0
        async with self._channel() as channel:
            async for incoming in self._parked(channel, queue, left):
                message = message_of(incoming)
                if wanted is None or message.id in wanted:
                    await self._publisher.put(self._topology.queue(queue), outgoing(message))
                    async with reaching(self._deadline):
                        await incoming.ack()
                    moved += 1
        return moved

    async def ping(self) -> None:
        """Ask the broker for a channel; raise BusDown if it gives none or is blocked."""
        await self._out.check_unblocked()
        await self._out.probe()

    async def _cancel(self, grace: float) -> None:
        attached: list[Attached] = [*self._consumptions, *self._taps]
        await asyncio.gather(*(each.cancel(grace=grace) for each in attached))

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        """A channel for one errand; what it leaves unacknowledged goes back with it."""
        async with reaching(self._deadline):
            await self._in.up()
            channel = await self._in.channel()
        try:
            yield channel
        finally:
            with suppress(BusDown):
                async with reaching(self._deadline):
                    await channel.close()

    async def _parked(
        self, channel: AbstractChannel, queue: str, limit: int
    ) -> AsyncIterator[AbstractIncomingMessage]:
        """The oldest parked messages; those not acknowledged meanwhile are given back."""
        name = self._topology.dead_queue(queue)
        parked = await channel.get_queue(name, ensure=False)
        last: AbstractIncomingMessage | None = None
        kept = behind = 0
        try:
            for _ in range(limit):
                async with reaching(self._deadline):
                    incoming = await parked.get(fail=False)
                if incoming is None:
                    break
                behind = incoming.message_count or 0
                yield incoming
                if not incoming.processed:
                    last, kept = incoming, kept + 1
        except BusDown as down:
            if not isinstance(down.__cause__, ChannelNotFoundEntity):
                raise
        if last:
            async with reaching(self._deadline):
                await last.nack(multiple=True, requeue=True)
            await self._until_back(name, kept + behind)

    async def _until_back(self, name: str, count: int) -> None:
        """Wait until what was given back can be had again: who looks twice must see it twice."""
        for _ in range(BACK_LOOKS):
            if await self._count(name) >= count:
                return
            await asyncio.sleep(BACK_PAUSE_SECONDS)

    async def _count(self, name: str) -> int:
        """Messages ready in a queue; none in one that does not exist."""
        try:
            async with reaching(self._deadline), self._channel() as channel:
                queue = await channel.declare_queue(name, passive=True)
                return queue.declaration_result.message_count or 0
        except BusDown as down:
            if isinstance(down.__cause__, ChannelNotFoundEntity):
                return 0
            raise
