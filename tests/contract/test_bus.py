"""Both transports keep the same promises, and each its own."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest

from libs.common.bus.embedded import BusInUse, EmbeddedBus
from libs.common.bus.factory import open_bus as bus_at
from libs.common.bus.protocol import Bus, BusDown
from libs.common.bus.rabbit import RabbitBus
from libs.common.bus.rabbit.link import reaching
from libs.common.testing.stage import unique
from tests.contract.bus_crashes import Address, CrashPromises
from tests.contract.bus_parking import ParkingPromises
from tests.contract.bus_promises import DeliveryPromises, Heard, Open, a_message, some_messages
from tests.contract.bus_wire import Wire, in_the_end, publish_all, until_heard_again


class BusContract(DeliveryPromises, ParkingPromises, CrashPromises):
    """All that services may rely on."""


class TestEmbeddedBus(BusContract):
    @pytest.fixture
    def address(self, tmp_path: Path) -> Address:
        return Address(f"embedded://{tmp_path / 'bus.db'}", "redress")

    @pytest.fixture
    async def open_bus(self, tmp_path: Path) -> AsyncIterator[Open]:
        opened: list[EmbeddedBus] = []

        async def open_it(*, limit: int = 20) -> Bus:
            bus = EmbeddedBus(tmp_path / "bus.db", delivery_limit=limit)
            await bus.start()
            opened.append(bus)
            return bus

        yield open_it
        for bus in opened:
            await bus.close()

    async def test_a_file_belongs_to_one_process(self, open_bus: Open, tmp_path: Path) -> None:
        await open_bus()
        with pytest.raises(BusInUse, match="python -m services"):
            await EmbeddedBus(tmp_path / "bus.db").start()

    async def test_the_file_is_ours_alone(self, open_bus: Open, tmp_path: Path) -> None:
        await open_bus()
        assert (tmp_path / "bus.db").stat().st_mode & 0o077 == 0

    async def test_a_long_queue_stays_on_disk(self, open_bus: Open) -> None:
        bus = await open_bus()
        await bus.declare("one", ["#"], restricted=False)
        messages = some_messages(3_000)
        await bus.publish(messages)
        await bus.close()
        bus = await open_bus()
        assert isinstance(bus, EmbeddedBus)
        heard, more = Heard(), some_messages(2_000)

        await bus.consume("one", heard, prefetch=50)
        await bus.publish(more)
        await heard.until(lambda: len(bus._queues["one"]._window) <= 512)
        await heard.until_count(5_000)

        assert heard.messages == [*messages, *more]

    async def test_a_full_disk_is_a_bus_that_is_down(self, open_bus: Open) -> None:
        bus = await open_bus()
        assert isinstance(bus, EmbeddedBus)
        heard = Heard()
        await bus.declare("one", ["#"], restricted=False)
        await bus.consume("one", heard, prefetch=5)
        assert bus._writer
        await bus._writer.submit(lambda store: store._one("PRAGMA max_page_count = 1"))
        big = a_message(body=bytes(100_000))

        with pytest.raises(BusDown):
            await bus.publish([big])

        await bus._writer.submit(lambda store: store._one("PRAGMA max_page_count = 1000000"))
        await bus.publish([big])
        await heard.until_count(1)
        assert heard.messages == [big]

    async def test_rebinding_holds_after_a_restart(self, open_bus: Open) -> None:
        bus = await open_bus()
        await bus.declare("one", ["old.v1", "#"], restricted=True)
        await bus.close()
        bus = await open_bus()
        await bus.declare("one", ["new.v1"], restricted=False)
        await bus.publish([a_message("old.v1"), a_message("new.v1")])
        assert await bus.depth("one") == 1


@pytest.mark.rabbit
class TestRabbitBus(BusContract):
    @pytest.fixture
    async def address(self) -> AsyncIterator[Address]:
        url = os.environ.get("TEST_BUS_URL")
        if not url:
            if os.environ.get("CI_REQUIRE_REAL") == "1":
                pytest.fail("CI_REQUIRE_REAL=1, and TEST_BUS_URL names no RabbitMQ.")
            pytest.skip("TEST_BUS_URL names no RabbitMQ.")
        address = Address(url, unique("test"))
        yield address
        await _remove(address)

    @pytest.fixture
    async def open_bus(self, address: Address) -> AsyncIterator[Open]:
        opened: list[RabbitBus] = []

        async def open_it(*, limit: int = 20, url: str = "", deadline: float = 5.0) -> Bus:
            bus = RabbitBus(
                url or address.url,
                name="test",
                prefix=address.prefix,
                delivery_limit=limit,
                publish_deadline=deadline,
            )
            await bus.start()
            opened.append(bus)
            return bus

        yield open_it
        for bus in opened:
            await bus.close()

    @pytest.fixture
    async def wire(self, address: Address) -> AsyncIterator[Wire]:
        async with Wire.to(address.url) as wire:
            yield wire

    async def test_a_cut_connection_loses_nothing(self, open_bus: Open, wire: Wire) -> None:
        bus = await open_bus(url=wire.url)
        heard, listener = Heard(), Heard()
        await bus.declare("one", ["#"], restricted=False)
        await bus.consume("one", heard, prefetch=10)
        await bus.broadcast(listener.listen)
        messages = some_messages(2_000)

        publishing = asyncio.create_task(publish_all(bus, messages))
        for received in (100, 700, 1_400):
            await heard.until_count(received)
            wire.cut()
        await publishing

        await heard.until_all(messages)
        assert set(heard.ids) == {message.id for message in messages}
        await until_heard_again(bus, listener)

    async def test_a_frozen_broker_is_down_within_the_deadline(
        self, open_bus: Open, wire: Wire
    ) -> None:
        bus = await open_bus(url=wire.url, deadline=0.5)
        heard = Heard()
        await bus.declare("one", ["#"], restricted=False)
        await bus.consume("one", heard, prefetch=10)
        wire.freeze()

        async with asyncio.timeout(2):
            for ask in (lambda: bus.publish([a_message()]), bus.ping):
                with pytest.raises(BusDown):
                    await ask()
        wire.thaw()

        await publish_all(bus, [message := a_message()])
        await heard.until_all([message])

    async def test_publishing_answers_how_many_were_confirmed(
        self, open_bus: Open, wire: Wire
    ) -> None:
        bus = await open_bus(url=wire.url, deadline=1.0)
        through = await open_bus()
        heard = Heard()
        await bus.declare("one", ["#"], restricted=False)
        await through.consume("one", heard, prefetch=100)
        messages = some_messages(20_000)

        publishing = asyncio.create_task(bus.publish(messages))
        await heard.until_count(500)
        wire.freeze()
        confirmed = await publishing

        assert 0 < confirmed < 20_000
        await heard.until_all(messages[:confirmed])
        wire.thaw()

    async def test_a_broker_that_is_away_is_no_reason_not_to_start(
        self, open_bus: Open, wire: Wire
    ) -> None:
        wire.refuse()
        bus = await open_bus(url=wire.url, deadline=0.3)
        with pytest.raises(BusDown):
            await bus.declare("one", ["#"], restricted=False)
        with pytest.raises(BusDown):
            await bus.ping()
        heard = Heard()
        await bus.consume("one", heard, prefetch=1)

        wire.thaw()

        await in_the_end(lambda: bus.declare("one", ["#"], restricted=False))
        await publish_all(bus, [message := a_message()])
        await heard.until_all([message])

    async def test_a_queue_that_is_deleted_comes_back(
        self, open_bus: Open, address: Address
    ) -> None:
        bus = await open_bus()
        heard = Heard()
        await bus.declare("one", ["#"], restricted=False)
        await bus.consume("one", heard, prefetch=1)
        await bus.publish([first := a_message()])
        await heard.until_all([first])

        await _remove(address)

        await until_heard_again(bus, heard)


async def test_a_cancellation_nobody_asked_for_is_a_lost_connection() -> None:
    async def ask(answer: asyncio.Future[None]) -> None:
        async with reaching(5):
            await answer

    loop = asyncio.get_running_loop()
    lost, waiting = loop.create_future(), loop.create_future()
    lost.cancel()
    with pytest.raises(BusDown):
        await ask(lost)
    asking = asyncio.create_task(ask(waiting))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


def test_a_url_names_the_bus(tmp_path: Path) -> None:
    async def at(url: str) -> Bus:
        return bus_at(url, name="test")

    assert isinstance(asyncio.run(at(f"embedded://{tmp_path}/bus.db")), EmbeddedBus)
    assert isinstance(asyncio.run(at("amqp://guest@127.0.0.1:1/")), RabbitBus)
    for url in ("redis://127.0.0.1/", "embedded://var/bus.db", ""):
        with pytest.raises(ValueError, match="embedded:///path"):
            bus_at(url, name="test")


async def _remove(address: Address) -> None:
    connection = await aio_pika.connect(address.url, timeout=5)
    async with connection, connection.channel() as channel:
        for name in ("one", "two"):
            for queue in (f"{address.prefix}.{name}", f"{address.prefix}.{name}.dead"):
                await channel.queue_delete(queue)
        for name in ("events", "restricted", "dead"):
            await channel.exchange_delete(f"{address.prefix}.{name}")
