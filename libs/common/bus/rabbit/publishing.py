"""Publishing with confirms: many in flight, in order, and an answer within the deadline."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import cast

import aio_pika
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelPreconditionFailed
from aiormq.channel import Channel as Wire

from libs.common.bus.protocol import BusDown, Message
from libs.common.bus.rabbit.letters import outgoing
from libs.common.bus.rabbit.link import Link, reaching
from libs.common.bus.rabbit.topology import Topology
from libs.common.logging import get_logger

log = get_logger(__name__)

IN_FLIGHT = 200


class Publisher:
    """One channel to publish on, opened again when it is lost."""

    def __init__(self, link: Link, topology: Topology, *, deadline: float) -> None:
        self._link = link
        self._topology = topology
        self._deadline = deadline
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()

    async def publish(self, messages: Sequence[Message]) -> int:
        """Answer how many from the front were confirmed. Raises BusDown when none were."""
        confirmed = 0
        in_flight: deque[asyncio.Task[None]] = deque()
        try:
            async with reaching(self._deadline):
                wire = await self._wire()
                for message in messages:
                    if len(in_flight) == IN_FLIGHT:
                        await in_flight[0]
                        in_flight.popleft()
                        confirmed += 1
                    in_flight.append(asyncio.create_task(self._publish(wire, message)))
                while in_flight:
                    await in_flight[0]
                    in_flight.popleft()
                    confirmed += 1
        except BusDown as down:
            if not confirmed:
                await self._judge(down)
                raise
        finally:
            for task in in_flight:
                task.cancel()
            await asyncio.gather(*in_flight, return_exceptions=True)
        return confirmed

    async def put(self, queue: str, message: aio_pika.Message) -> None:
        """Put one message straight into `queue`, which must exist. Raises BusDown."""
        async with reaching(self._deadline):
            wire = await self._wire()
            await wire.basic_publish(
                message.body, routing_key=queue, properties=message.properties, mandatory=True
            )

    async def _publish(self, wire: Wire, message: Message) -> None:
        topology = self._topology
        # Not waiting until the socket took it: the confirm is what counts.
        await wire.basic_publish(
            message.body,
            exchange=topology.restricted if message.restricted else topology.events,
            routing_key=message.topic,
            properties=outgoing(message).properties,
            wait=False,
        )

    async def _wire(self) -> Wire:
        await self._link.up()
        await self._link.check_unblocked()
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._open()
        return cast("Wire", await self._channel.get_underlay_channel())

    async def _open(self) -> AbstractChannel:
        channel = await self._link.channel()
        try:
            await self._topology.restore(channel)
        except ChannelPreconditionFailed:
            # A queue with other arguments is there already. It takes messages all the same.
            log.error("bus.declare_refused")  # noqa: TRY400 - the trace says nothing more
            channel = await self._link.channel()
        return channel

    async def _judge(self, down: BusDown) -> None:
        """Not one confirm in time, from a broker that is not blocked: it may be frozen."""
        if isinstance(down.__cause__, TimeoutError):
            try:
                await self._link.check_unblocked()
            except BusDown:
                return
            self._link.suspect()
