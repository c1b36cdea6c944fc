"""A TCP proxy between a bus and its broker, to be cut, frozen and thawed by a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from yarl import URL


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
