"""The gateway alone: as many doors as needed, in front of an upstream that costs nothing."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from libs.common.settings import SERVICES
from libs.common.testing.private import free_port
from scripts.siege.asks import Asks
from scripts.torture.programs import Program, ready
from scripts.torture.systems import QUIET, UNLIMITED


class Door:
    """One gateway process."""

    def __init__(self, folder: Path, keys: Path, upstream: int) -> None:
        folder.mkdir()
        self.port = free_port()
        base = f"http://127.0.0.1:{upstream}"
        env = {
            **QUIET,
            **UNLIMITED,
            "REDRESS_DATA_DIR": str(folder / "var"),
            "REDRESS_KEYS_DIR": str(keys),
            "REDRESS_PORT": str(self.port),
            "REDRESS_PEERS": json.dumps(dict.fromkeys(SERVICES, base)),
        }
        self.program = Program("scripts.siege.door", folder, env)

    @property
    def pid(self) -> int:
        """The process to look at."""
        return self.program.pid

    async def start(self) -> None:
        """Begin, and wait until it answers."""
        self.program.start()
        await ready([self.program], [f"http://127.0.0.1:{self.port}/readyz"])

    async def ended(self, seconds: float) -> float:
        """Wait until it ended by itself; how long that took, or `seconds` when it did not."""
        began = time.monotonic()
        while not self.program.has_ended and time.monotonic() - began < seconds:
            await asyncio.sleep(0.01)
        return time.monotonic() - began


class Street:
    """Doors side by side, with the same keys and the same upstream."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.upstream = Program("scripts.siege.upstream", folder, QUIET, str(self._port))
        self.doors: list[Door] = []

    @property
    def upstream_port(self) -> int:
        """Where the upstream answers, to be asked without a gateway between."""
        return self._port

    @property
    def asks(self) -> Asks:
        """What can be asked here."""
        return Asks(self._folder / "keys")

    async def start(self, doors: int) -> None:
        """The upstream, and so many gateways."""
        self.upstream.start()
        await ready([self.upstream], [f"http://127.0.0.1:{self._port}/readyz"])
        for number in range(doors):
            door = Door(self._folder / f"door-{number}", self._folder / "keys", self._port)
            self.doors.append(door)
            await door.start()

    def end(self) -> None:
        """Leave nothing running."""
        for door in self.doors:
            door.program.end()
        self.upstream.end()


@asynccontextmanager
async def street(folder: Path, doors: int = 1) -> AsyncIterator[Street]:
    """A street, cleared afterwards."""
    found = Street(folder)
    try:
        await found.start(doors)
        yield found
    finally:
        await asyncio.to_thread(found.end)
