"""A split system whose services can be made to fail, one at a time."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from libs.common.testing.private import free_port
from libs.common.testing.servers import PrivateRedis
from scripts.siege.asks import Asks
from scripts.siege.faults import Fault, FaultProxy
from scripts.siege.reporting import say
from scripts.torture.programs import Program, ready
from scripts.torture.systems import Split


class Besieged(Split):
    """A process per service, on private servers; the `tampered` ones behind a fault proxy."""

    def __init__(
        self, folder: Path, tampered: Iterable[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(folder)
        self.proxies = {name: FaultProxy(free_port(), self._ports[name]) for name in tampered}
        peers = json.loads(self._env["REDRESS_PEERS"])
        peers |= {name: f"http://127.0.0.1:{proxy.port}" for name, proxy in self.proxies.items()}
        self._env |= {**(env or {}), "REDRESS_PEERS": json.dumps(peers)}
        self._programs = {
            name: Program(
                f"services.{name}", folder, {**self._env, "REDRESS_PORT": str(port)}, "serve"
            )
            for name, port in self._ports.items()
        }

    @property
    def redis(self) -> PrivateRedis:
        """The cache all of them share."""
        return self._redis

    @property
    def gateway(self) -> int:
        """The gateway's process."""
        return self._programs["gateway"].pid

    def asks(self, access: Path | None = None) -> Asks:
        """What can be asked here."""
        return Asks(self.keys, access) if access else Asks(self.keys)

    async def begin(self) -> None:
        """Start everything."""
        for proxy in self.proxies.values():
            await proxy.open()
        say(f"a split system started in {await self.start():.1f} s")

    async def strike(self, name: str, fault: Fault) -> None:
        """Let it happen to a service."""
        if fault is Fault.FROZEN:
            self._programs[name].signal(signal.SIGSTOP)
        elif fault is Fault.KILLED:
            await asyncio.to_thread(self._programs[name].kill)
            await self.proxies[name].close()
        else:
            self.proxies[name].tamper(fault)

    async def heal(self, name: str, fault: Fault) -> None:
        """Undo it."""
        if fault is Fault.FROZEN:
            self._programs[name].signal(signal.SIGCONT)
        elif fault is Fault.KILLED:
            self._programs[name].start()
            await ready([self._programs[name]], [f"http://127.0.0.1:{self._ports[name]}/healthz"])
            await self.proxies[name].open()
        else:
            self.proxies[name].tamper(None)

    async def depart(self) -> None:
        """End everything, also what is stopped."""
        for program in self.programs:
            program.signal(signal.SIGCONT)
        for proxy in self.proxies.values():
            await proxy.close()
        await asyncio.to_thread(self.end)


@asynccontextmanager
async def besieged(
    folder: Path, tampered: Iterable[str] = (), env: Mapping[str, str] | None = None
) -> AsyncIterator[Besieged]:
    """A split system, ended whatever happens."""
    system = await asyncio.to_thread(Besieged, folder, tampered, env)
    try:
        await system.begin()
        yield system
    finally:
        await system.depart()
