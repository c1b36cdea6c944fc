"""What the gateway hears: the lossy copy of every event, of which nothing is kept."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from libs.common.bus.protocol import Bus, Listener, Message, Subscription
from libs.common.contracts.users import ApiKeyRevoked, SessionRevoked
from libs.common.errors import AppError
from libs.common.logging import get_logger
from libs.common.web.revoking import Revoking
from services.gateway.domain.exchanging import KeyExchange

log = get_logger(__name__)

RETRY_SECONDS = 1.0
LOOK_SECONDS = 2.0


async def hear(
    bus: Bus,
    keys: KeyExchange,
    revoking: Revoking,
    push: Callable[[Message], Awaitable[None]],
) -> None:
    """Forget keys as they are revoked, sessions as they end, and `push` what happens.

    Until cancelled; waits for the bus as long as it takes. What is missed costs seconds: while the
    bus is away, keys are asked about again soon, who has signed out is asked anyway, and who
    watches a case reads it by its cursor.
    """

    async def listen(message: Message) -> None:
        if message.topic == ApiKeyRevoked.topic:
            event = ApiKeyRevoked.model_validate(json.loads(message.body)["data"])
            keys.forget(event.key_id)
            await revoking.note([event.key_id])
        elif message.topic == SessionRevoked.topic:
            session_id = SessionRevoked.model_validate(json.loads(message.body)["data"]).session_id
            await revoking.note([session_id] if session_id else [])
            revoking.ask_at_once()
        await push(message)

    subscription = await _subscribed(bus, listen)
    try:
        while True:
            keys.hears(is_hearing=await _answers(bus))
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await subscription.cancel()


async def _answers(bus: Bus) -> bool:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await bus.ping()
    except (AppError, TimeoutError):
        return False
    return True


async def _subscribed(bus: Bus, listener: Listener) -> Subscription:
    while True:
        try:
            await bus.start()
            return await bus.broadcast(listener)
        except AppError as error:
            log.warning("broadcast.waiting", code=error.code)
            await asyncio.sleep(RETRY_SECONDS)
