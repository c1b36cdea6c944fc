"""What the databases and the bus of a tortured system hold, by plain SQL on both sizes."""

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from libs.common.bus.factory import open_bus
from libs.common.crypto.keyring import Keyring
from libs.common.settings import SERVICES
from scripts.torture.systems import DATABASES, Embedded, Split

QUEUES = (*SERVICES, "tasks.llm", "tasks.default", "tasks.notifications")


class Rows(ABC):
    """Answers questions about what is on disk."""

    def __init__(self, keys: Path) -> None:
        self._keys = keys

    async def cases(self, references: Iterable[str]) -> list[tuple[str | None, str]]:
        """Every case, by the one of `references` it was filed under; None when it was by no such.

        References are sealed: only who knows one finds its case.
        """
        keys = Keyring.load(self._keys / "keyring.json").of("grievance")
        known = {keys.blind("client_reference", each): each for each in references}
        sql = "SELECT client_reference_index, grievance_id FROM grievances"
        return [(known.get(index), name) for index, name in await self.ask("grievance", sql)]

    @abstractmethod
    async def ask(self, service: str, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query in the schema of `service`."""

    @abstractmethod
    async def depths(self) -> dict[str, int]:
        """Messages that wait, by queue; empty queues left out."""

    @abstractmethod
    async def parked(self) -> list[str]:
        """Dead letters, as queue, topic and reason."""

    @abstractmethod
    async def damaged(self) -> list[str]:
        """Files that are not whole."""


class SqliteRows(Rows):
    """The files of an embedded system."""

    def __init__(self, system: Embedded) -> None:
        super().__init__(system.keys)
        self._folder = system.data

    async def ask(self, service: str, sql: str) -> list[tuple[Any, ...]]:
        return await asyncio.to_thread(self._ask, self._folder / f"{service}.db", sql)

    async def depths(self) -> dict[str, int]:
        sql = (
            "SELECT name, count(*) FROM messages JOIN queues ON queues.id = queue"
            " WHERE parked_at IS NULL GROUP BY name"
        )
        return dict(await self.ask("bus", sql))

    async def parked(self) -> list[str]:
        sql = (
            "SELECT name, topic, reason FROM messages JOIN queues ON queues.id = queue"
            " WHERE parked_at IS NOT NULL"
        )
        return [" ".join(row) for row in await self.ask("bus", sql)]

    async def damaged(self) -> list[str]:
        damaged = []
        for path in sorted(self._folder.glob("*.db")):
            found = await asyncio.to_thread(self._ask, path, "PRAGMA integrity_check")
            if found != [("ok",)]:
                damaged.append(f"{path.name}: {found[:3]}")
        return damaged

    @staticmethod
    def _ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path, timeout=10)) as db:
            return db.execute(sql).fetchall()


class PostgresRows(Rows):
    """The databases and the broker of a split system."""

    def __init__(self, system: Split) -> None:
        super().__init__(system.keys)
        self._system = system

    async def ask(self, service: str, sql: str) -> list[tuple[Any, ...]]:
        name = next(name for name, services in DATABASES.items() if service in services)
        url = self._system.database(name).replace("+asyncpg", "")
        connection = await asyncpg.connect(
            url, timeout=10, server_settings={"search_path": service}
        )
        try:
            return [tuple(row) for row in await connection.fetch(sql, timeout=30)]
        finally:
            await connection.close()

    async def depths(self) -> dict[str, int]:
        bus = open_bus(self._system.rabbit.url, name="torture")
        await bus.start()
        try:
            found = {queue: await bus.depth(queue) for queue in QUEUES}
        finally:
            await bus.close()
        return {queue: depth for queue, depth in found.items() if depth}

    async def parked(self) -> list[str]:
        bus = open_bus(self._system.rabbit.url, name="torture")
        await bus.start()
        try:
            return [
                f"{queue} {letter.message.topic} {letter.reason}"
                for queue in QUEUES
                for letter in await bus.dead(queue)
            ]
        finally:
            await bus.close()

    async def damaged(self) -> list[str]:
        return []


def rows_of(system: Embedded | Split) -> Rows:
    """How to look into `system`."""
    return SqliteRows(system) if isinstance(system, Embedded) else PostgresRows(system)
