"""A TCP proxy in front of a service: it passes on, is late, drips, or is not there at all."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from enum import StrEnum
from typing import Any

HOST = "127.0.0.1"
PIECE = 65_536
LATE_SECONDS = 2.0
DRIP_SECONDS = 0.2
CONNECT_SECONDS = 2.0


class Fault(StrEnum):
    """What can happen to a service."""

    FROZEN = "frozen"
    """SIGSTOP: connections are taken, and nothing answers."""
    KILLED = "killed"
    SLOW = "slow"
    """Every answer comes LATE_SECONDS late."""
    DRIPPING = "dripping"
    """Answers come byte by byte, DRIP_SECONDS between them."""


class FaultProxy:
    """Stands where a service is looked for. Only what comes back from it is tampered with."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault: Fault | None = None

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._taken, HOST, self.port)

    async def close(self) -> None:
        """Listen no more: who calls is refused, who is connected is cut."""
        if self._server:
            self._server.close()
            self._server = None
        self._cut()

    def tamper(self, fault: Fault | None) -> None:
        """Do this to every answer from now on; None is nothing. Held answers are let go."""
        self._fault = fault
        if fault is None:
            self._cut()

    def _cut(self) -> None:
        for line in self._lines:
            line.close()
        for task in self._tasks:
            task.cancel()

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                above, below = await asyncio.open_connection(HOST, self._target)
        except (OSError, TimeoutError):
            writer.close()
            self._lines.discard(writer)
            return
        self._lines.add(below)
        pumps = [self._start(_up(reader, below)), self._start(self._down(above, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump, line in zip(pumps, (below, writer), strict=True):
            pump.cancel()
            line.close()
            self._lines.discard(line)

    def _start(self, pump: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(pump)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(PIECE):
                if self._fault is Fault.SLOW:
                    await asyncio.sleep(LATE_SECONDS)
                if self._fault is Fault.DRIPPING:
                    await _drip(data, writer)
                else:
                    writer.write(data)
                await writer.drain()


async def _up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()


async def _drip(data: bytes, writer: asyncio.StreamWriter) -> None:
    for place in range(len(data)):
        writer.write(data[place : place + 1])
        await writer.drain()
        await asyncio.sleep(DRIP_SECONDS)
