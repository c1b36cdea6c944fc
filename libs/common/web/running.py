"""A service while it runs: it hears, says what it has written down, and tidies up.

It begins with its schema and its keys. It ends the other way round: what works ends before what it
works with.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from libs.common.db import idempotency
from libs.common.db.migrations import check_head, migrate
from libs.common.errors import AppError
from libs.common.logging import get_logger
from libs.common.messaging.consumer import Consumer
from libs.common.messaging.relay import Relay

if TYPE_CHECKING:
    from libs.common.web.service import Service

log = get_logger(__name__)

Background = Callable[[], Coroutine[Any, Any, None]]
"""What a service does without being asked."""
RETRY_SECONDS = 1.0
TIDY_SECONDS = 600.0
CANCEL_AGAIN_SECONDS = 12.0


@asynccontextmanager
async def running(
    service: "Service",
    consumer: Consumer | None,
    background: Sequence[Background],
    prepare: Background | None,
) -> AsyncIterator[None]:
    """Let `service` run while the block does. Raises KeyringError, BehindHead.

    `prepare` runs once the schema is there and before anything else.
    """
    async with AsyncExitStack() as stack:
        stack.push_async_callback(service.database.close)
        stack.push_async_callback(service.cache.close)
        stack.push_async_callback(service.http.aclose)
        await _look_at_data(service)
        if prepare:
            await prepare()
        await service.bus.start()
        relay = Relay(service.uow, service.bus)
        stack.push_async_callback(relay.drain)
        declared = asyncio.Event()

        async def tell() -> None:
            # What we hear ourselves has a queue before the first of it is said.
            await declared.wait()
            await relay.run()

        async def forget_replies() -> None:
            async with service.uow.begin() as tx:
                await idempotency.forget(tx.session, service.uow.ground)

        housekeeping = service.round("housekeeping", forget_replies, seconds=TIDY_SECONDS)
        works = [tell, housekeeping, *background]
        if consumer:
            works.append(lambda: _hear(service, consumer, declared))
        else:
            declared.set()
            service.readiness.is_started = True
        tasks = [asyncio.create_task(_kept(work)) for work in works]
        stack.push_async_callback(_end, tasks)
        yield
        service.readiness.is_leaving = True


async def _look_at_data(service: "Service") -> None:
    """Bring the schema to head, or see that it is; and see that its data can be read."""
    shared = service.settings.shared
    if shared.is_embedded:
        await migrate(service.database, service.name)
    else:
        await check_head(service.database, service.name)
    await service.check_keyring()


async def _hear(service: "Service", consumer: Consumer, declared: asyncio.Event) -> None:
    """Declare the queue and hear, as soon as the bus lets us; until cancelled."""
    while True:
        try:
            await consumer.declare(service.bus)
            declared.set()
            subscription = await consumer.start(service.bus, service.uow)
            break
        except AppError as error:
            log.warning("consumer.waiting", service=service.name, code=error.code)
            await asyncio.sleep(RETRY_SECONDS)
    service.readiness.is_started = True
    try:
        await asyncio.Event().wait()
    finally:
        await subscription.cancel()


async def _kept(work: Background) -> None:
    """Run `work` until it ends; what it did not foresee is logged, and it begins again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("background.failed")
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel `tasks` until they end: a driver may take a cancellation for its own timeout.

    A subscription waits for receivers at work, up to ten seconds: that long nobody is asked again.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
