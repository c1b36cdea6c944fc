"""The event log: read by position it tells everything, once, in order (design 3, guarantee 8)."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import delete

from libs.common.bus.protocol import BusDown
from libs.common.crypto.keyring import Keyring
from libs.common.db.base import Ground, ground, service_metadata
from libs.common.db.engine import Database
from libs.common.db.migrations import _run_sync
from libs.common.db.uow import UnitOfWork
from libs.common.errors import AppError
from libs.common.events import Envelope, Event
from libs.common.messaging import log
from libs.common.messaging.log import CursorAhead, Entry, LogPage, NotALog, Wanted, read_log
from libs.common.messaging.relay import Relay
from libs.common.testing.stage import until
from tests.contract.test_messaging import Courier, as_bus


class Tolled(Event):
    topic: ClassVar[str] = "bell.tolled.v1"
    about: ClassVar[str] = "tower"

    tower: str
    stroke: int = 0


class Cracked(Tolled):
    topic: ClassVar[str] = "bell.cracked.v1"


class Bellows(Tolled):
    topic: ClassVar[str] = "bellows.blown.v1"


METADATA = service_metadata()
GROUND: Ground = ground(METADATA)
ALL = Wanted()


@pytest.fixture
async def uow(database_url: str, tmp_path: Path) -> AsyncIterator[UnitOfWork]:
    database = Database(database_url, schema="public")
    await _run_sync(database.engine, METADATA.create_all)
    keys = Keyring.create(tmp_path / "keyring.json").of("bells")
    yield UnitOfWork(database, service="bells", ground=GROUND, keys=keys)
    await database.close()


async def toll(uow: UnitOfWork, *strokes: int, tower: str = "Dharan") -> None:
    for stroke in strokes:
        async with uow.begin() as tx:
            tx.publish(Tolled(tower=tower, stroke=stroke))


async def place(uow: UnitOfWork) -> None:
    await Relay(uow, as_bus(Courier())).drain()


async def read(
    uow: UnitOfWork, wanted: Wanted = ALL, *, after: int = 0, limit: int = 1000
) -> LogPage:
    async with uow.read() as tx:
        return await read_log(tx.session, uow.ground, wanted, after=after, limit=limit)


def strokes(page: LogPage) -> list[int]:
    return [Envelope.model_validate_json(each.envelope).data["stroke"] for each in page.entries]


async def test_two_transactions_that_commit_out_of_order_are_both_read(uow: UnitOfWork) -> None:
    """Issue 3, 7: the first to write is the last to commit; no reader misses it."""
    if uow.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time: see the next test")
    relay = Relay(uow, as_bus(Courier()))
    async with uow.begin() as slow:
        slow.publish(Tolled(tower="slow", stroke=1))
        await slow.finish()  # its row has the smaller number already
        slow._rows.clear()
        await toll(uow, 2, tower="quick")
        await relay.drain()
        before = await read(uow)
    await relay.drain()
    after = await read(uow, after=before.position)

    assert (strokes(before), strokes(after)) == ([2], [1])
    assert [each.position for each in (*before.entries, *after.entries)] == [1, 2]


async def test_a_second_writer_on_sqlite_waits_for_the_first(uow: UnitOfWork) -> None:
    """Issue 3, 7, on SQLite: there is no committing out of order, so nothing to skip."""
    if not uow.database.is_sqlite:
        pytest.skip("PostgreSQL lets them: see the test before")
    other = UnitOfWork(
        Database(uow.database.url, schema="public"), service="bells", ground=GROUND, keys=uow.keys
    )
    async with uow.begin() as slow:
        slow.publish(Tolled(tower="slow", stroke=1))
        await slow.finish()
        slow._rows.clear()
        quick = asyncio.create_task(toll(other, 2, tower="quick"))
        assert strokes(await read(uow)) == []
        assert not quick.done()
    await quick
    await place(uow)
    await other.database.close()

    assert strokes(await read(uow)) == [1, 2]


@dataclass
class Belfry:
    """Many towers ringing at once, two relays that both believe in their lease, one reader."""

    uow: UnitOfWork
    towers: tuple[str, ...] = ("Dharan", "Namche", "Ilam", "Jumla", "Dolpa", "Humla", "Mugu")
    each: int = 12
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - a plan
    seen: list[Entry] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return len(self.seen) == self.each * len(self.towers)

    async def ring(self, tower: str) -> None:
        for stroke in range(self.each):
            async with self.uow.begin() as tx:
                tx.publish(Tolled(tower=tower, stroke=stroke))
                await tx.finish()
                tx._rows.clear()
                for _ in range(self.chance.randint(0, 20)):
                    await asyncio.sleep(0)

    async def relay(self) -> None:
        one = Relay(self.uow, as_bus(Courier()))
        while not self.is_done:
            one._renew_at = float("inf")
            with suppress(AppError):  # the other one was first
                await one._step()

    async def follow(self) -> None:
        position = 0
        while not self.is_done:
            page = await read(self.uow, after=position, limit=self.chance.randint(1, 9))
            self.seen.extend(page.entries)
            position = page.position


async def test_whoever_reads_while_many_write_and_relays_compete_misses_nothing(
    uow: UnitOfWork,
) -> None:
    """Issue 3, 7: whatever comes between writing and committing, none skipped, all in order."""
    belfry = Belfry(uow)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for tower in belfry.towers:
            group.create_task(belfry.ring(tower))
        for work in (belfry.relay, belfry.relay, belfry.follow):
            group.create_task(work())

    assert [entry.position for entry in belfry.seen] == list(range(1, len(belfry.seen) + 1))
    said = [Envelope.model_validate_json(entry.envelope) for entry in belfry.seen]
    for tower in belfry.towers:
        order = [one.data["stroke"] for one in said if one.subject == tower]
        assert order == list(range(belfry.each))


async def test_a_page_hands_the_envelopes_on_as_they_were_stored(uow: UnitOfWork) -> None:
    await toll(uow, 1, 2)
    await place(uow)
    page = await read(uow)

    again = LogPage.from_bytes(page.to_bytes())
    assert again == page
    envelope = Envelope.model_validate_json(page.entries[0].envelope)
    assert page.entries[0].at == log.microseconds(envelope.time)
    assert LogPage.from_bytes(LogPage([], 7, has_more=True).to_bytes()).position == 7


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[1]\n", b"[1,true]\n[2,3]\n", b"[1,true]\n[2,3,{", b"[1,true]\nx"]
)
def test_what_is_no_page_is_not_read_as_one(content: bytes) -> None:
    with pytest.raises(NotALog):
        LogPage.from_bytes(content)


async def test_pages_follow_each_other_without_gap_or_overlap(uow: UnitOfWork) -> None:
    await toll(uow, *range(10))
    await place(uow)
    found: list[int] = []
    position, more = 0, True
    while more:
        page = await read(uow, after=position, limit=3)
        found += strokes(page)
        position, more = page.position, page.has_more

    assert found == list(range(10))
    assert (await read(uow, after=position)).position == position


async def test_what_has_no_place_yet_is_not_read(uow: UnitOfWork) -> None:
    await toll(uow, 1)
    assert await read(uow) == LogPage([], 0, has_more=False)


async def test_restricted_events_are_passed_over_and_not_read_again(uow: UnitOfWork) -> None:
    """Design 3: events of SEAH cases never come into feeds; their places are passed."""
    await toll(uow, 1)
    async with uow.begin(restricted=True) as tx:
        tx.publish(Tolled(tower="seah", stroke=2))
    await place(uow)

    page = await read(uow)
    assert (strokes(page), page.position, page.has_more) == ([1], 2, False)
    assert strokes(await read(uow, Wanted(restricted=True))) == [1, 2]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(types=("bell.tolled.v1",)), [1, 4]),
        (Wanted(types=("bell.*",)), [1, 2, 4]),
        (Wanted(types=("bell.cracked.v1", "bellows.*")), [2, 3]),
        (Wanted(subject="Namche"), [3, 4]),
        (Wanted(types=("bell.*",), subject="Namche"), [4]),
        (Wanted(types=("bell.tolled",)), []),
        (Wanted(types=("b_ll.*",)), []),
    ],
)
async def test_it_is_asked_for_topics_prefixes_and_subjects(
    uow: UnitOfWork, wanted: Wanted, found: list[int]
) -> None:
    async with uow.begin() as tx:
        tx.publish(Tolled(tower="Dharan", stroke=1))
        tx.publish(Cracked(tower="Dharan", stroke=2))
        tx.publish(Bellows(tower="Namche", stroke=3))
        tx.publish(Tolled(tower="Namche", stroke=4))
    await place(uow)

    page = await read(uow, wanted)
    assert (strokes(page), page.position, page.has_more) == (found, 4, False)


async def test_a_filter_that_matches_little_reads_a_stretch_at_a_time(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "SCAN", 4)
    await toll(uow, *range(9))
    await toll(uow, 9, tower="Namche")
    await place(uow)
    wanted = Wanted(subject="Namche")

    ends, position = [], 0
    while not (page := await read(uow, wanted, after=position)).entries:
        assert page.has_more
        position = page.position
        ends.append(position)
    assert ends == [4, 8]
    assert (strokes(page), page.position, page.has_more) == ([9], 10, False)


async def test_a_log_that_was_set_back_is_not_read_on_from_beyond_its_end(
    uow: UnitOfWork,
) -> None:
    """A restored backup gives old positions to new events: reading on would skip them."""
    await toll(uow, *range(5))
    await place(uow)
    position = (await read(uow)).position
    async with uow.begin() as tx:
        await tx.session.execute(delete(GROUND.outbox).where(GROUND.outbox.c.position > 2))

    with pytest.raises(CursorAhead):
        await read(uow, after=position)
    assert (await read(uow, after=2)).position == 2


async def test_the_log_is_readable_while_the_bus_is_away(uow: UnitOfWork) -> None:
    """Issue 3, 3: the bus killed; what was said is in the feed all the same."""
    await toll(uow, 1, 2)
    courier = Courier([BusDown("away")] * 99)
    relay = asyncio.create_task(Relay(uow, as_bus(courier)).run())

    async def placed() -> bool:
        return strokes(await read(uow)) == [1, 2]

    await until(placed)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)

    assert strokes(await read(uow)) == [1, 2]
    assert courier.taken == []
