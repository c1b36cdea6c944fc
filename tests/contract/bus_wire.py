"""A TCP proxy between a bus and its broker, and how a bus behind it is used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from yarl import URL

from libs.common.bus.protocol import Bus, BusDown, Message
from tests.contract.bus_promises import Heard, a_message


class Wire:
    def __init__(self, upstream: URL) -> None:
        self._upstream = upstream
        self._flows = asyncio.Event()
        self._flows.set()
        self._refuses = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator["Wire"]:
        wire = cls(URL(url))
        server = await asyncio.start_server(wire._accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        wire.url = str(wire._upstream.with_host("127.0.0.1").with_port(port))
        try:
            yield wire
        finally:
            server.close()
            await wire._end()

    def cut(self) -> None:
        """Every connection is reset."""
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        """Nothing flows, and nobody is told."""
        self._flows.clear()

    def refuse(self) -> None:
        """New connections are cut at once."""
        self._refuses = True

    def thaw(self) -> None:
        self._refuses = False
        self._flows.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        upstream = await asyncio.open_connection(self._upstream.host, self._upstream.port)
        self._writers |= {writer, upstream[1]}
        for source, sink in ((reader, upstream[1]), (upstream[0], writer)):
            self._tasks.add(asyncio.create_task(self._carry(source, sink)))

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(65_536):
                await self._flows.wait()
                sink.write(chunk)
                await sink.drain()
        sink.transport.abort()

    async def _end(self) -> None:
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def publish_all(bus: Bus, messages: list[Message]) -> None:
    """As a relay does: in order, again and again from the first that was not confirmed."""
    left = messages
    while left:
        try:
            left = left[await bus.publish(left[:100]) :]
        except BusDown:
            await asyncio.sleep(0.01)


async def in_the_end(act: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await act()
            except (BusDown, TimeoutError):
                await asyncio.sleep(0.01)
            else:
                return


async def until_heard_again(bus: Bus, listener: Heard) -> None:
    async def arrives() -> None:
        await publish_all(bus, [message := a_message()])
        async with asyncio.timeout(0.2):
            await listener.until_all([message])

    await in_the_end(arrives)
