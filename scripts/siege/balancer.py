"""A load balancer as clients see one: new connections go to a door that takes them."""

import asyncio
import time
from collections.abc import Sequence

from scripts.siege.answers import Cut
from scripts.siege.lines import Line, NotSent, request

LOOK_SECONDS = 0.1
ANSWER_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.02
OK = 200
PROBE = request("GET", "/readyz", connection="close")


class NobodyThere(Exception):
    """No door took a connection for a while."""


class Balancer:
    """Sends new connections to one door until it refuses, says goodbye, or is not ready."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)
        self.current = ports[0]

    def leave(self, port: int) -> None:
        """`port` does not want more: the next connections go elsewhere."""
        if port == self.current:
            place = self._ports.index(port)
            self.current = self._ports[(place + 1) % len(self._ports)]

    async def connect(self) -> tuple[int, Line]:
        """A fresh connection, and to which door. Raises NobodyThere."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            port = self.current
            try:
                return port, await Line.to(port)
            except (OSError, TimeoutError):
                self.leave(port)
                await asyncio.sleep(PAUSE_SECONDS)
        raise NobodyThere("refused everywhere")

    async def watch(self) -> None:
        """Ask the current door whether it is ready, until cancelled."""
        while True:
            port = self.current
            if not await _is_ready(port):
                self.leave(port)
            await asyncio.sleep(LOOK_SECONDS)


async def _is_ready(port: int) -> bool:
    line = None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await Line.to(port)
            return (await line.ask(PROBE)).status == OK
    except (OSError, TimeoutError, NotSent, Cut):
        return False
    finally:
        if line:
            line.close()
