"""Relay, inbox and consumer: nothing lost, nothing twice, in order (guarantees 1, 2 and 8)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import select

from libs.common.bus.protocol import Bus, BusDown, Delivery, Message, Poison
from libs.common.clock import utc_now
from libs.common.crypto.keyring import Keyring
from libs.common.db import idempotency
from libs.common.db.base import Ground, ground, service_metadata
from libs.common.db.engine import Database
from libs.common.db.idempotency import Request
from libs.common.db.migrations import _run_sync
from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.errors import Unavailable
from libs.common.events import Envelope, Event
from libs.common.messaging.consumer import Consumer
from libs.common.messaging.relay import Relay
from libs.common.testing.stage import until


class Rained(Event):
    topic: ClassVar[str] = "weather.rained.v1"
    about: ClassVar[str] = "place"

    place: str
    drop: int = 0


class Snowed(Rained):
    topic: ClassVar[str] = "weather.snowed.v1"


METADATA = service_metadata()
GROUND: Ground = ground(METADATA)


@dataclass
class Courier:
    """A bus that takes as many messages of a batch as it is told, and remembers them."""

    takes: list[int | Exception] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)

    async def publish(self, messages: Sequence[Message]) -> int:
        plan = self.takes.pop(0) if self.takes else len(messages)
        if isinstance(plan, Exception):
            raise plan
        count = min(plan, len(messages))
        self.taken += messages[:count]
        return count

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@pytest.fixture
async def uow(database_url: str, tmp_path: Path) -> AsyncIterator[UnitOfWork]:
    database = Database(database_url, schema="public")
    await _run_sync(database.engine, METADATA.create_all)
    keys = Keyring.create(tmp_path / "keyring.json").of("weather")
    yield UnitOfWork(database, service="weather", ground=GROUND, keys=keys)
    await database.close()


async def say(uow: UnitOfWork, *drops: int, place: str = "Dharan") -> None:
    for drop in drops:
        async with uow.begin() as tx:
            tx.publish(Rained(place=place, drop=drop))


async def published(uow: UnitOfWork) -> list[tuple[int | None, bool]]:
    table = uow.ground.outbox
    query = select(table.c.position, table.c.published_at).order_by(table.c.seq)
    async with uow.read() as tx:
        return [
            (row.position, row.published_at is not None) for row in await tx.session.execute(query)
        ]


def drops(messages: Sequence[Message]) -> list[int]:
    return [Envelope.model_validate_json(each.body).data["drop"] for each in messages]


async def relayed(uow: UnitOfWork, bus: Courier, *, everything: int) -> None:
    """Run the relay until `everything` is marked."""
    relay = asyncio.create_task(Relay(uow, as_bus(bus)).run())
    try:
        await until(lambda: _all_marked(uow, everything))
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def _all_marked(uow: UnitOfWork, everything: int) -> bool:
    return sum(marked for _, marked in await published(uow)) == everything


def as_bus(courier: Courier) -> Bus:
    return courier


async def test_a_fact_is_said_only_if_its_transaction_commits(uow: UnitOfWork) -> None:
    async def begin_and_fail() -> None:
        async with uow.begin() as tx:
            tx.publish(Rained(place="Dharan"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await begin_and_fail()

    assert await published(uow) == []


async def test_positions_are_gapless_and_in_order(uow: UnitOfWork) -> None:
    bus = Courier()
    await say(uow, *range(7))

    await relayed(uow, bus, everything=7)

    assert [position for position, _ in await published(uow)] == [1, 2, 3, 4, 5, 6, 7]
    assert drops(bus.taken) == list(range(7))


async def test_what_one_transaction_says_stays_in_order(uow: UnitOfWork) -> None:
    bus = Courier()
    async with uow.begin() as tx:
        for drop in range(5):
            tx.publish(Rained(place="Dharan", drop=drop))
        tx.vault.create("somebody")

    await relayed(uow, bus, everything=5)

    assert drops(bus.taken) == [0, 1, 2, 3, 4]


async def test_only_what_the_bus_confirmed_is_marked(uow: UnitOfWork) -> None:
    """The confirm is the promise: what it did not cover is published again, in order."""
    bus = Courier(takes=[2, BusDown("away"), 1])
    await say(uow, *range(5))

    await relayed(uow, bus, everything=5)

    assert drops(bus.taken) == [0, 1, 2, 3, 4]


async def test_what_was_not_confirmed_stays_unmarked(uow: UnitOfWork) -> None:
    bus = Courier(takes=[2])
    await say(uow, *range(5))
    relay = Relay(uow, as_bus(bus))

    await relay._step()
    bus.takes = [BusDown("away")]
    with pytest.raises(BusDown):
        await relay._step()

    assert [marked for _, marked in await published(uow)] == [True, True, False, False, False]


async def test_one_relay_at_a_time(uow: UnitOfWork) -> None:
    first, second = Courier(), Courier()
    relays = [Relay(uow, as_bus(first)), Relay(uow, as_bus(second))]
    await say(uow, *range(20))

    for _ in range(5):
        await asyncio.gather(*(relay._step() for relay in relays))
    assert await _all_marked(uow, 20)

    assert sorted(drops(first.taken) + drops(second.taken)) == list(range(20))
    assert not (first.taken and second.taken)


async def test_a_redelivered_event_is_handled_once(uow: UnitOfWork) -> None:
    seen: list[int] = []
    consumer = Consumer("weather")

    @consumer.on(Rained)
    async def count(event: Rained, tx: Transaction) -> None:
        seen.append(event.drop)

    delivery = delivered(Rained(place="Dharan", drop=1))
    for _ in range(3):
        await consumer._receive(delivery, uow)

    assert seen == [1]


async def test_the_inbox_row_and_the_effect_are_one(uow: UnitOfWork) -> None:
    """A handler that fails after its writes leaves neither, and is tried again."""
    tries: list[int] = []
    consumer = Consumer("weather")

    @consumer.on(Rained)
    async def fail_once(event: Rained, tx: Transaction) -> None:
        tries.append(event.drop)
        tx.publish(Snowed(place="Namche", drop=9))
        if len(tries) == 1:
            raise RuntimeError

    await consumer._receive(delivered(Rained(place="Dharan", drop=1)), uow)

    assert tries == [1, 1]
    assert len(await published(uow)) == 1


async def test_events_of_one_subject_keep_their_order_through_failures(uow: UnitOfWork) -> None:
    seen: list[int] = []
    consumer = Consumer("weather")
    failed: set[int] = set()

    @consumer.on(Rained)
    async def note(event: Rained, tx: Transaction) -> None:
        if event.drop == 0 and event.drop not in failed:
            failed.add(event.drop)
            raise RuntimeError
        seen.append(event.drop)

    await asyncio.gather(
        *(consumer._receive(delivered(Rained(place="Dharan", drop=n)), uow) for n in range(5))
    )

    assert seen == [0, 1, 2, 3, 4]
    assert not consumer._turns


async def test_what_is_away_is_waited_for(uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.common.messaging.consumer.FIRST_PAUSE_SECONDS", 0.001)
    tries: list[int] = []
    consumer = Consumer("weather")

    async def fetch(event: Rained) -> str:
        tries.append(event.drop)
        if len(tries) < 7:
            raise Unavailable("away")
        return "found"

    heard: list[str] = []

    @consumer.on(Rained, fetch=fetch)
    async def keep(event: Rained, tx: Transaction, found: str) -> None:
        heard.append(found)

    await consumer._receive(delivered(Rained(place="Dharan")), uow)

    assert heard == ["found"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x00garbage", "MALFORMED_EVENT"),
        (b"{}", "MALFORMED_EVENT"),
        (Envelope.of(Snowed(place="x"), source="w").to_bytes(), "UNKNOWN_EVENT"),
        (
            Envelope(source="w", type=Rained.topic, subject="x", data={"drop": "many"}).to_bytes(),
            "INVALID_EVENT",
        ),
    ],
)
async def test_bad_messages_are_parked_with_a_reason(
    uow: UnitOfWork, body: bytes, reason: str
) -> None:
    consumer = Consumer("weather")

    @consumer.on(Rained)
    async def never(event: Rained, tx: Transaction) -> None:
        raise AssertionError

    with pytest.raises(Poison, match=reason):
        await consumer._receive(Delivery(Message("m", "t", body), 1), uow)


async def test_a_handler_that_always_fails_is_parked_with_its_reason(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.messaging.consumer.FIRST_PAUSE_SECONDS", 0.001)
    consumer = Consumer("weather")

    @consumer.on(Rained)
    async def fail(event: Rained, tx: Transaction) -> None:
        raise ZeroDivisionError("which may quote the input")

    with pytest.raises(Poison, match=r"^ZeroDivisionError$"):
        await consumer._receive(delivered(Rained(place="Dharan")), uow)


def delivered(event: Event) -> Delivery:
    envelope = Envelope.of(event, source="weather")
    return Delivery(Message(envelope.id, envelope.type, envelope.to_bytes()), 1)


async def test_two_writers_never_lose_an_update(uow: UnitOfWork) -> None:
    """Guarantee 4: read, then write, fifty times side by side (BEGIN IMMEDIATE; FOR UPDATE)."""
    table = uow.ground.leases

    async with uow.begin() as tx:
        tx.insert(table, name="count", holder="0", until=utc_now())

    async def add_one() -> None:
        async with uow.begin() as tx:
            query = select(table.c.holder).where(table.c.name == "count").with_for_update()
            found = await tx.session.scalar(query)
            await asyncio.sleep(0)
            change = table.update().where(table.c.name == "count")
            await tx.session.execute(change.values(holder=str(int(found or 0) + 1)))

    await asyncio.gather(*(add_one() for _ in range(50)))

    async with uow.read() as tx:
        assert await tx.session.scalar(select(table.c.holder)) == "50"


async def test_a_stored_reply_is_forgotten_after_a_day(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request.of(caller="guest-1", route="/", key="k", body=b"")
    async with uow.begin(request=request) as tx:
        tx.answer(201, b"{}")

    async def forgotten() -> int:
        async with uow.begin() as tx:
            return await idempotency.forget(tx.session, uow.ground)

    assert await forgotten() == 0
    tomorrow = utc_now() + timedelta(hours=25)
    monkeypatch.setattr("libs.common.db.idempotency.utc_now", lambda: tomorrow)
    assert await forgotten() == 1


def test_a_consumer_knows_its_topics() -> None:
    consumer = Consumer("weather")
    consumer.on(Rained)(_nothing)
    consumer.on(Snowed)(_nothing)

    assert consumer.topics == ["weather.rained.v1", "weather.snowed.v1"]


async def test_a_tool_is_given_to_who_needs_it_and_to_nobody_else(uow: UnitOfWork) -> None:
    class Gauge:
        async def read(self) -> int:
            return 7

    consumer, heard = Consumer("weather", Gauge()), []

    async def measure(_: Rained, gauge: Gauge) -> int:
        return await gauge.read()

    @consumer.on(Rained, fetch=measure, needs=Gauge)
    async def note_measured(event: Rained, tx: Transaction, found: int) -> None:
        heard.append(found)

    @consumer.on(Snowed, needs=Gauge)
    async def note_snow(event: Snowed, tx: Transaction, gauge: Gauge) -> None:
        heard.append(await gauge.read() + event.drop)

    for event in (Rained(place="Dharan"), Snowed(place="Dharan", drop=1)):
        await consumer._receive(delivered(event), uow)

    assert heard == [7, 8]


async def test_who_was_not_given_a_tool_knows_its_topics_and_hears_nothing(
    uow: UnitOfWork,
) -> None:
    consumer = Consumer("weather", None)
    consumer.on(Rained, needs=Courier)(_nothing)

    assert consumer.topics == ["weather.rained.v1"]
    with pytest.raises(TypeError, match="Courier"):
        await consumer.start(as_bus(Courier()), uow)


async def _nothing(event: Event, tx: Transaction) -> None:
    raise AssertionError


async def test_what_is_not_our_business_passes_and_leaves_no_row(uow: UnitOfWork) -> None:
    consumer = Consumer("weather")
    heard: list[int] = []

    @consumer.on(Rained, when=lambda event: event.drop > 0)
    async def note(event: Rained, tx: Transaction) -> None:
        heard.append(event.drop)

    for drop in (0, 1):
        await consumer._receive(delivered(Rained(place="Dharan", drop=drop)), uow)

    table = uow.ground.inbox
    async with uow.read() as tx:
        rows = list(await tx.session.scalars(select(table.c.event_id)))
    assert heard == [1]
    assert len(rows) == 1
