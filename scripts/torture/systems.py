"""A whole system of our own, on free ports and in a folder of its own, in either size."""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import asyncpg

from libs.common.settings import SERVICES
from libs.common.testing.private import ServerFailed, free_port
from libs.common.testing.servers import PrivatePostgres, PrivateRabbit, PrivateRedis
from scripts.torture.programs import Program, ready, run_once
from services.gateway.domain.allowances import NUMBERS

DATABASES = {
    "grievances_db": ("users", "grievance", "files"),
    "helpdesk_db": ("tasks", "chat"),
}
STARTS = 5
QUIET = {"REDRESS_LOG_LEVEL": "error"}
PLENTY = 10**8
UNLIMITED = {
    "GATEWAY_LIMITS": json.dumps(
        {bucket: dict.fromkeys(kinds, PLENTY) for bucket, kinds in NUMBERS.items()}
    )
}
"""Rate limits are counted as always, and never met: a few clients here ask like thousands."""


class System(ABC):
    """What is tortured, or measured."""

    size: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.data = folder / "var"

    @property
    def keys(self) -> Path:
        """Where tokens can be signed, and what is sealed can be looked for."""
        return self.data / "keys"

    @property
    @abstractmethod
    def programs(self) -> list[Program]:
        """The processes of ours in it."""

    @property
    @abstractmethod
    def victims(self) -> list[str]:
        """What can be killed, in turn."""

    @abstractmethod
    async def start(self) -> float:
        """Begin; how many seconds until it answers."""

    @abstractmethod
    async def kill(self, victim: str) -> None:
        """SIGKILL it, and start it again at once."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop our programs as an operator would."""

    @abstractmethod
    def end(self) -> None:
        """Leave nothing running."""


class Embedded(System):
    """One process, SQLite, the embedded bus."""

    size = "embedded"

    def __init__(self, folder: Path, **more: str) -> None:
        super().__init__(folder)
        env = {**QUIET, **UNLIMITED, "REDRESS_DATA_DIR": str(self.data), **more}
        self._program = Program("services", folder, env, "--port", str(self.port))

    @property
    def programs(self) -> list[Program]:
        return [self._program]

    @property
    def victims(self) -> list[str]:
        return ["process"]

    async def start(self) -> float:
        self._program.start()
        return await ready(self.programs, [f"{self.base}/readyz"])

    async def kill(self, victim: str) -> None:  # noqa: ARG002 - there is only one
        await asyncio.to_thread(self._program.kill)
        await self.start()

    async def stop(self) -> None:
        await asyncio.to_thread(self._program.stop)

    def end(self) -> None:
        self._program.end()


class Split(System):
    """A process per service; private PostgreSQL, RabbitMQ and Redis."""

    size = "split"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.postgres = PrivatePostgres()
        self.rabbit = PrivateRabbit()
        self._redis = PrivateRedis()
        ports = {name: free_port() for name in SERVICES}
        peers = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        self._env = {
            **QUIET,
            **UNLIMITED,
            "REDRESS_DATA_DIR": str(self.data),
            "REDRESS_BUS_URL": self.rabbit.url,
            "REDRESS_REDIS_URL": self._redis.url,
            "REDRESS_PEERS": json.dumps(peers),
        }
        for database, services in DATABASES.items():
            for name in services:
                self._env[f"{name.upper()}_DATABASE_URL"] = self.database(database)
        self._ports = {**ports, "gateway": self.port}
        self._programs = {
            name: Program(
                f"services.{name}", folder, {**self._env, "REDRESS_PORT": str(port)}, "serve"
            )
            for name, port in self._ports.items()
        }

    def database(self, name: str) -> str:
        """The URL of one of our databases."""
        return self.postgres.url.rpartition("/")[0] + f"/{name}"

    @property
    def programs(self) -> list[Program]:
        return list(self._programs.values())

    @property
    def victims(self) -> list[str]:
        return list(self._programs)

    async def start(self) -> float:
        for name in DATABASES:
            await self._sql(f"CREATE DATABASE {name}")
        for name in self._programs:
            await self._once(name, "keys")
        for name in SERVICES:
            await self._once(name, "migrate")
        for program in self.programs:
            program.start()
        return await ready(
            self.programs, [f"http://127.0.0.1:{port}/readyz" for port in self._ports.values()]
        )

    async def kill(self, victim: str) -> None:
        if victim == "broker":
            await asyncio.to_thread(_revive, self.rabbit)
        elif victim == "database":
            await asyncio.to_thread(_revive, self.postgres)
        else:
            program = self._programs[victim]
            await asyncio.to_thread(program.kill)
            program.start()
            await ready([program], [f"http://127.0.0.1:{self._ports[victim]}/healthz"])

    async def stop(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(program.stop) for program in self.programs))

    def end(self) -> None:
        for program in self.programs:
            program.end()
        for server in (self.rabbit, self.postgres, self._redis):
            server.stop()

    async def _once(self, name: str, command: str) -> None:
        await asyncio.to_thread(run_once, f"services.{name}", self._env, command)

    async def _sql(self, statement: str) -> None:
        url = self.postgres.url.replace("+asyncpg", "")
        connection = await asyncpg.connect(url, timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _revive(server: PrivatePostgres | PrivateRabbit) -> None:
    """SIGKILL, and start again. What a killed server leaves behind may take a moment to go."""
    server.kill()
    for left in reversed(range(STARTS)):
        try:
            server.restart()
        except ServerFailed:
            if not left:
                raise
            time.sleep(1)
        else:
            return
