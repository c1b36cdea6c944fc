"""Rounds: one replica goes round, and the next one at once when that one ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData

from libs.common.crypto.keyring import Keyring
from libs.common.db.base import ground, service_metadata
from libs.common.db.engine import Database
from libs.common.db.leases import hold
from libs.common.db.uow import UnitOfWork
from libs.common.messaging import rounds
from libs.common.messaging.rounds import Round
from libs.common.testing.stage import until

METADATA: MetaData = service_metadata()
GROUND = ground(METADATA)
A_DAY = 86_400.0


@pytest.fixture
async def uow(database_url: str, tmp_path: Path) -> AsyncIterator[UnitOfWork]:
    database = Database(database_url, schema="public")
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    keys = Keyring.create(tmp_path / "keyring.json").of("post")
    yield UnitOfWork(database, service="post", ground=GROUND, keys=keys)
    await database.close()


@asynccontextmanager
async def going(uow: UnitOfWork, *, seconds: float = A_DAY) -> AsyncIterator[asyncio.Event]:
    """A replica that goes round, and whether it has."""
    has_worked = asyncio.Event()

    async def work() -> None:
        has_worked.set()

    task = asyncio.create_task(Round(uow, "tidy", work, seconds=seconds).run())
    try:
        yield has_worked
    finally:
        task.cancel()
        await asyncio.wait([task])


async def holders(uow: UnitOfWork) -> list[str]:
    async with uow.read() as tx:
        rows = await tx.session.execute(GROUND.leases.select())
    return [row.holder for row in rows]


async def test_who_begins_after_another_ended_goes_round_at_once(uow: UnitOfWork) -> None:
    """Its lease would have held for three days: a restarted service must not wait for that."""
    for _ in range(2):
        async with going(uow) as has_worked:
            async with asyncio.timeout(30):
                await has_worked.wait()

    assert await holders(uow) == []


async def test_who_never_held_the_lease_takes_it_from_nobody(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_held: list[bool] = []

    async def noted(*given: Any, **named: Any) -> bool:
        was_held.append(await hold(*given, **named))
        return was_held[-1]

    monkeypatch.setattr(rounds, "hold", noted)
    async with going(uow) as first:
        await first.wait()
        before = await holders(uow)
        async with going(uow, seconds=0.01):
            await until(lambda: len(was_held) > 2, seconds=30)

        assert was_held[:3] == [True, False, False]
        assert await holders(uow) == before


async def test_a_round_ends_without_a_database(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(30):
        async with going(uow) as has_worked:
            await has_worked.wait()
            monkeypatch.setattr(uow.database, "_writing", _away)

    assert len(await holders(uow)) == 1


def _away() -> None:
    raise OSError("away")
