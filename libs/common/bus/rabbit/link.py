"""A connection that is rebuilt after every loss, and the one way to ask something over it.

aio-pika's robust connection restores some of what was lost after some of the ways to lose it.
This does less: it connects, notices that the broker is gone or frozen, and connects again; whoever
lives on a channel opens it anew and says again what it wants.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import AMQPError
from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL

from libs.common.bus.protocol import BusDown
from libs.common.logging import get_logger

log = get_logger(__name__)

HEARTBEAT_SECONDS = 10
PROBE_SECONDS = 10.0
"""A frozen broker answers no probe; heartbeats alone would take three times as long to say so."""
GOODBYE_SECONDS = 1.0
BLOCKED_SECONDS = 0.05
"""How long to wait for a blocked connection: just long enough to ask."""
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0


def pause(failures: int) -> float:
    """Seconds before trying again."""
    seconds: float = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 10))
    return seconds * random.uniform(0.5, 1)  # noqa: S311 - jitter


@asynccontextmanager
async def reaching(deadline: float) -> AsyncIterator[None]:
    """Whatever way the broker is not reached in, within `deadline` seconds in all, is BusDown.

    aiormq cancels who waits on a channel that closes: a cancellation nobody asked this task for
    is a lost connection, too.
    """
    task = asyncio.current_task()
    asked = task.cancelling() if task else 0
    try:
        async with asyncio.timeout(deadline):
            yield
    except (AMQPError, OSError, TimeoutError, RuntimeError) as error:
        if task and task.cancelling() > asked:
            raise asyncio.CancelledError from error
        raise BusDown("RabbitMQ cannot be reached.") from error
    except asyncio.CancelledError as error:
        if task and task.cancelling() > asked:
            raise
        raise BusDown("The connection to RabbitMQ was lost.") from error


class _Stream(TransportFactory):
    """Opens the socket and keeps it, so that it can be cut."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None

    async def create(
        self, url: URL, **kwargs: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        inner = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, self._writer = await inner.create(url, **kwargs)
        return reader, self._writer

    def abort(self) -> None:
        if self._writer:
            self._writer.transport.abort()


class _Connection(aio_pika.Connection):
    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self._stream = _Stream()
        self.kwargs["transport_factory"] = self._stream

    async def leave(self, *, politely: bool) -> None:
        """Close, and never wait long for a broker that does not listen."""
        if politely:
            with suppress(BusDown):
                async with reaching(GOODBYE_SECONDS):
                    await self.close()
        self._stream.abort()
        with suppress(BusDown):
            async with reaching(GOODBYE_SECONDS):
                await self.close()


class Link:
    """One supervised connection."""

    def __init__(self, url: str, *, name: str, deadline: float) -> None:
        self._url = URL(url).update_query(heartbeat=HEARTBEAT_SECONDS, name=name)
        self._deadline = deadline
        self._connection: _Connection | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, and never stop trying."""
        self._task = asyncio.create_task(self._supervise(), name="bus link")

    async def close(self) -> None:
        """Let go."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def up(self) -> None:
        """Wait until there is a connection."""
        if self._task is None:
            raise BusDown("The bus is closed.")
        await self._up.wait()

    def suspect(self) -> None:
        """It did not answer in time: connect anew."""
        self._lost.set()

    async def channel(self) -> AbstractChannel:
        """A new channel with confirms, on which a message nobody takes is an error."""
        if self._connection is None:
            raise BusDown("There is no connection to RabbitMQ.")
        channel = self._connection.channel(on_return_raises=True)
        await channel.initialize()
        return channel

    async def check_unblocked(self) -> None:
        """Raises BusDown when the broker takes no messages for want of memory or disk."""
        if self._connection is None or self._connection.transport is None:
            raise BusDown("There is no connection to RabbitMQ.")
        try:
            async with asyncio.timeout(BLOCKED_SECONDS):
                await self._connection.transport.ready()
        except TimeoutError:
            raise BusDown("RabbitMQ takes no messages: its memory or disk is full.") from None

    async def probe(self) -> None:
        """Ask the broker for something small. Raises BusDown."""
        async with reaching(self._deadline):
            channel = await self.channel()
            await channel.close()

    async def _supervise(self) -> None:
        failures = 0
        while True:
            connection = _Connection(self._url)
            try:
                async with reaching(self._deadline):
                    await connection.connect()
            except BusDown as down:
                failures += 1
                if failures == 1:
                    log.warning("bus.away", error_type=type(down.__cause__).__name__)
            else:
                failures = 1
                await self._hold(connection)
            finally:
                await connection.leave(politely=not self._lost.is_set())
            await asyncio.sleep(pause(failures))

    async def _hold(self, connection: _Connection) -> None:
        """Lend `connection` out until it is lost."""
        lost = self._lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        self._connection = connection
        self._up.set()
        log.info("bus.connected")
        try:
            while not lost.is_set():
                await self._watch(lost)
        finally:
            self._connection = None
            self._up.clear()
        log.warning("bus.lost")

    async def _watch(self, lost: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PROBE_SECONDS):
                await lost.wait()
            return
        try:
            await self.check_unblocked()
        except BusDown:
            return  # blocked, and alive enough to say so
        try:
            await self.probe()
        except BusDown:
            lost.set()
