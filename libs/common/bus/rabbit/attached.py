"""What lives on a channel of its own and is attached again when the channel is lost."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from libs.common.bus.listening import GRACE_SECONDS, Listening
from libs.common.bus.protocol import BusDown, Listener
from libs.common.bus.rabbit.letters import message_of
from libs.common.bus.rabbit.link import Link, pause, reaching
from libs.common.bus.rabbit.topology import Topology
from libs.common.logging import get_logger

log = get_logger(__name__)

KEPT_IN_BROKER = 10_000
LISTENER_PREFETCH = 100


class Attached(ABC):
    """A consumer of the broker's, over all the channels it has in its life."""

    def __init__(self, link: Link, *, deadline: float, left: Callable[[Any], None]) -> None:
        self._link = link
        self._deadline = deadline
        self._left = left
        self._is_leaving = False
        self._channel: AbstractChannel | None = None
        self._was_attached = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="bus consumer")

    async def begin(self) -> None:
        """Wait until it is attached, or for a while: a broker that is away may come back."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._deadline):
                await self._was_attached.wait()

    @abstractmethod
    async def cancel(self, *, grace: float = GRACE_SECONDS) -> None:
        """Take no more, and wait for what is at work."""

    @abstractmethod
    async def _attach(self, channel: AbstractChannel) -> None:
        """Say what is wanted."""

    @abstractmethod
    def _detached(self) -> None:
        """Forget what the lost channel delivered."""

    async def _leave(self) -> None:
        self._is_leaving = True
        self._left(self)
        self._task.cancel()
        if self._task is not asyncio.current_task():
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        failures = 0
        while not self._is_leaving:
            await self._link.up()
            try:
                await self._live()
                failures = 0
            except BusDown as down:
                failures += 1
                if failures == 1:
                    log.warning("bus.not_consuming", error_type=type(down.__cause__).__name__)
            await asyncio.sleep(pause(failures + 1))

    async def _live(self) -> None:
        lost = asyncio.Event()
        async with reaching(self._deadline):
            channel = await self._link.channel()
        try:
            async with reaching(self._deadline):
                channel.close_callbacks.add(lambda *_: lost.set())
                wire = await channel.get_underlay_channel()
                wire.on_consumer_cancel_callbacks.add(lambda _: lost.set())
                await self._attach(channel)
            self._channel = channel
            self._was_attached.set()
            await lost.wait()
        finally:
            self._channel = None
            self._detached()
            with suppress(BusDown):
                async with reaching(self._deadline):
                    await channel.close()


class Tap(Attached):
    """A listener of the broadcast: an exclusive queue that goes with the connection."""

    def __init__(
        self,
        link: Link,
        topology: Topology,
        listener: Listener,
        *,
        deadline: float,
        left: Callable[[Any], None],
    ) -> None:
        self._topology = topology
        self._listening = Listening(listener, left=lambda _: None)
        super().__init__(link, deadline=deadline, left=left)

    async def cancel(self, *, grace: float = GRACE_SECONDS) -> None:  # noqa: ARG002 - lossy
        """Hear no more."""
        await self._listening.cancel()
        await self._leave()

    async def _attach(self, channel: AbstractChannel) -> None:
        await self._topology.restore(channel, "")
        await channel.set_qos(prefetch_count=LISTENER_PREFETCH)
        queue = await channel.declare_queue(
            exclusive=True,
            auto_delete=True,
            arguments={"x-max-length": KEPT_IN_BROKER, "x-overflow": "drop-head"},
        )
        await queue.bind(self._topology.events, "#")
        await queue.consume(self._take)

    def _detached(self) -> None:
        return

    async def _take(self, incoming: AbstractIncomingMessage) -> None:
        self._listening.offer(message_of(incoming))
        with suppress(BusDown):
            async with reaching(self._deadline):
                await incoming.channel.basic_ack(incoming.delivery_tag or 0, wait=False)
