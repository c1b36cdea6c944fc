"""From commit to consumer: outbox, relay, bus, inbox, as every service has them."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import ClassVar

from bench.load import Timing
from libs.common.bus.factory import open_bus
from libs.common.crypto.keyring import Keyring
from libs.common.db.base import ground, service_metadata
from libs.common.db.engine import Database
from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.events import Event
from libs.common.messaging.consumer import Consumer
from libs.common.messaging.relay import Relay
from libs.common.testing.stage import until

EVENTS, A_SECOND = 500, 100
METADATA = service_metadata()
GROUND = ground(METADATA)


class Ticked(Event):
    topic: ClassVar[str] = "bench.ticked.v1"
    about: ClassVar[str] = "number"

    number: int
    at: float


async def latency(database_url: str, bus_url: str, folder: Path) -> Timing:
    """Commit an event every ten milliseconds; how long until a consumer has handled it."""
    keys = Keyring.create(folder / f"{time.monotonic_ns()}.json").of("bench")
    millis: list[float] = []
    consumer = Consumer("bench")

    @consumer.on(Ticked)
    async def note(event: Ticked, tx: Transaction) -> None:  # noqa: ARG001 - it only looks at the clock
        millis.append((time.perf_counter() - event.at) * 1_000)

    async with AsyncExitStack() as stack:
        database = Database(database_url, schema="public")
        stack.push_async_callback(database.close)
        async with database.engine.execution_options(writing=True).begin() as connection:
            await connection.run_sync(METADATA.create_all)
        uow = UnitOfWork(database, service="bench", ground=GROUND, keys=keys)
        bus = open_bus(bus_url, name="bench", prefix="bench")
        await bus.start()
        stack.push_async_callback(bus.close)
        await consumer.declare(bus)
        subscription = await consumer.start(bus, uow)
        stack.push_async_callback(subscription.cancel)
        relay = asyncio.create_task(Relay(uow, bus).run())
        stack.callback(relay.cancel)
        seconds = await _tick(uow)
        await until(lambda: len(millis) == EVENTS, seconds=30)
    return Timing.of(millis, seconds)


async def _tick(uow: UnitOfWork) -> float:
    began = time.perf_counter()
    for number in range(EVENTS):
        async with uow.begin() as tx:
            event = Ticked(number=number, at=0.0)
            # The clock starts as late as can be told from here: just before the commit.
            tx.publish(event.model_copy(update={"at": time.perf_counter()}))
        await asyncio.sleep(max(0.0, began + (number + 1) / A_SECOND - time.perf_counter()))
    return time.perf_counter() - began
