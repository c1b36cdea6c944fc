"""Retention, whoever keeps it (domain.md): rules come from users, and nothing goes without one."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import MetaData, select

from libs.common.clock import utc_now
from libs.common.crypto.keyring import Keyring
from libs.common.db.base import ground, service_metadata
from libs.common.db.engine import Database
from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.errors import Unavailable
from libs.common.events import Envelope
from libs.common.web.retaining import BATCH, BATCHES, Kept, Retaining, RetentionRule

METADATA: MetaData = service_metadata()
GROUND = ground(METADATA)


class Users:
    """Says how many days letters are kept, or is away."""

    def __init__(self, days: int | None) -> None:
        self.days = days

    async def __call__(self) -> Sequence[RetentionRule]:
        if self.days is None:
            raise Unavailable("away")
        return [RetentionRule(kind="letters", keep_days=self.days)]


class Letters:
    """Forgets as many as it is told there are, and remembers what it was asked."""

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)
        self.asked: list[datetime] = []

    async def __call__(self, _: Transaction, before: datetime, limit: int) -> int:
        self.asked.append(before)
        return min(self.counts.pop(0) if self.counts else 0, limit)


@pytest.fixture
async def uow(database_url: str, tmp_path: Path) -> AsyncIterator[UnitOfWork]:
    database = Database(database_url, schema="public")
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    keys = Keyring.create(tmp_path / "keyring.json").of("post")
    yield UnitOfWork(database, service="post", ground=GROUND, keys=keys)
    await database.close()


async def said(uow: UnitOfWork) -> list[Envelope]:
    async with uow.read() as tx:
        rows = await tx.session.scalars(select(GROUND.outbox.c.envelope))
        return [Envelope.model_validate_json(row) for row in rows]


def counted() -> float:
    labels = {"service": "post", "kind": "letters"}
    return REGISTRY.get_sample_value("redress_purged_total", labels) or 0.0


async def test_a_rule_says_before_when(uow: UnitOfWork) -> None:
    letters, users = Letters(), Users(30)
    retaining = Retaining(uow, users, [Kept("letters", letters)])
    await retaining.go_round()
    users.days = 7
    await retaining.go_round()

    ages = [utc_now() - before for before in letters.asked]
    assert [round(age / timedelta(days=1)) for age in ages] == [30, 7]


async def test_without_any_rule_nothing_is_deleted(uow: UnitOfWork) -> None:
    letters, strange = Letters(3), Letters(3)
    users = Users(None)
    retaining = Retaining(uow, users, [Kept("letters", letters), Kept("strange", strange)])
    await retaining.go_round()
    assert letters.asked == []

    users.days = 30
    await retaining.go_round()

    assert (len(letters.asked), strange.asked) == (1, [])


async def test_while_users_is_away_the_rule_heard_last_holds(uow: UnitOfWork) -> None:
    letters, users = Letters(), Users(30)
    retaining = Retaining(uow, users, [Kept("letters", letters)])
    await retaining.go_round()
    users.days = None

    await retaining.go_round()

    assert len(letters.asked) == 2


async def test_what_is_deleted_is_counted_and_told_once_a_round(uow: UnitOfWork) -> None:
    retaining = Retaining(uow, Users(30), [Kept("letters", Letters(3))])
    before = counted()

    for _ in range(2):
        await retaining.go_round()

    [told] = await said(uow)
    assert (told.data["act"], told.data["who"]) == ("retention_applied", "service:post")
    assert told.data["target"] == "retention:letters"
    assert told.data["details"] == {"count": 3, "keep_days": 30}
    assert not told.data["is_restricted"]
    assert counted() - before == 3


async def test_a_backlog_goes_batch_by_batch_and_ends_with_the_round(uow: UnitOfWork) -> None:
    letters, more = Letters(BATCH, BATCH, 7, 3), Letters(*[BATCH] * (BATCHES + 1))
    await Retaining(uow, Users(30), [Kept("letters", letters)]).go_round()

    assert [each.data["details"]["count"] for each in await said(uow)] == [BATCH, BATCH, 7]
    assert letters.counts == [3]

    await Retaining(uow, Users(30), [Kept("letters", more)]).go_round()
    assert more.counts == [BATCH]


async def test_that_something_restricted_went_is_told_to_few(uow: UnitOfWork) -> None:
    await Retaining(uow, Users(30), [Kept("letters", Letters(1), restricted=True)]).go_round()

    [told] = await said(uow)
    assert told.data["is_restricted"]


async def test_a_purge_that_fails_says_nothing(uow: UnitOfWork) -> None:
    async def fails(_: Transaction, __: datetime, ___: int) -> int:
        raise Unavailable("full")

    before = counted()
    with pytest.raises(Unavailable):
        await Retaining(uow, Users(30), [Kept("letters", fails)]).go_round()

    assert (await said(uow), counted() - before) == ([], 0)
