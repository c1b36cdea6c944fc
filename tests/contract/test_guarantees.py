"""Guarantees that need two of something: two processes on one database (design.md 5)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from libs.common.clock import utc_now
from libs.common.crypto.keyring import Keyring
from libs.common.db.base import Ground, ground, service_metadata
from libs.common.db.engine import Database
from libs.common.db.idempotency import Replay, Request
from libs.common.db.migrations import _run_sync
from libs.common.db.uow import UnitOfWork

METADATA = service_metadata()
GROUND: Ground = ground(METADATA)


@pytest.fixture
async def processes(database_url: str, tmp_path: Path) -> AsyncIterator[list[UnitOfWork]]:
    """Two programs on one database: each has its own engine and its own write lock."""
    databases = [Database(database_url, schema="public") for _ in range(2)]
    await _run_sync(databases[0].engine, METADATA.create_all)
    keys = Keyring.create(tmp_path / "keyring.json").of("weather")
    yield [UnitOfWork(each, service="weather", ground=GROUND, keys=keys) for each in databases]
    for database in databases:
        await database.close()


async def test_two_processes_never_lose_an_update(processes: list[UnitOfWork]) -> None:
    """Guarantee 4: read, then write, fifty times side by side, and nobody is turned away.

    SQLite lets a transaction that began by reading write only while nobody else has; it must say
    from the beginning that it will (BEGIN IMMEDIATE). PostgreSQL locks the row it reads.
    """
    table = GROUND.leases
    async with processes[0].begin() as tx:
        tx.insert(table, name="count", holder="0", until=utc_now())

    async def add_one(uow: UnitOfWork) -> None:
        async with uow.begin() as tx:
            query = select(table.c.holder).where(table.c.name == "count").with_for_update()
            found = await tx.session.scalar(query)
            await asyncio.sleep(0)
            change = table.update().where(table.c.name == "count")
            await tx.session.execute(change.values(holder=str(int(found or 0) + 1)))

    await asyncio.gather(*(add_one(processes[turn % 2]) for turn in range(50)))

    async with processes[1].read() as tx:
        assert await tx.session.scalar(select(table.c.holder)) == "50"


async def test_a_request_repeated_at_two_processes_is_done_once(
    processes: list[UnitOfWork],
) -> None:
    """Guarantee 1: the key is claimed where the work commits, so the second waits and replays."""
    request = Request.of(caller="guest:1", route="/rain", key="k", body=b"{}")

    async def rain(uow: UnitOfWork) -> bytes:
        try:
            async with uow.begin(request=request) as tx:
                tx.insert(GROUND.leases, name=str(id(tx)), holder="rain", until=utc_now())
                tx.answer(201, b"it rained")
        except Replay as replay:
            return replay.reply.body
        return b"it rained"

    answers = await asyncio.gather(*(rain(processes[turn % 2]) for turn in range(20)))

    assert answers == [b"it rained"] * 20
    async with processes[0].read() as tx:
        assert len((await tx.session.scalars(select(GROUND.leases.c.name))).all()) == 1


async def test_a_database_that_closes_leaves_no_connection_open(tmp_path: Path) -> None:
    """Whenever its first user stops waiting, the pool may never have heard of the connection."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'weather.db'}", schema="public")
    left_open = 0
    for patience in range(40):
        asking = asyncio.create_task(database.ping())
        for _ in range(patience):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        left_open += len(database._opened)
        opened = list(database._opened)
        await database.close()
        assert [each for each in opened if each._connection is not None] == []
    assert left_open
