"""What the gateway hears: the lossy copy of every event, of which it needs one kind."""

import asyncio
import json

from libs.common.bus.protocol import Bus, Message, Subscription
from libs.common.contracts.users import ApiKeyRevoked
from libs.common.errors import AppError
from libs.common.logging import get_logger
from services.gateway.domain.exchanging import KeyExchange

log = get_logger(__name__)

RETRY_SECONDS = 1.0


async def hear_revocations(bus: Bus, keys: KeyExchange) -> Subscription:
    """Forget keys as they are revoked; waits for the bus as long as it takes.

    What is missed costs a minute: no key is believed longer without asking users again.
    """

    async def listen(message: Message) -> None:
        if message.topic == ApiKeyRevoked.topic:
            event = ApiKeyRevoked.model_validate(json.loads(message.body)["data"])
            keys.forget(event.key_id)

    while True:
        try:
            await bus.start()
            return await bus.broadcast(listen)
        except AppError as error:
            log.warning("broadcast.waiting", code=error.code)
            await asyncio.sleep(RETRY_SECONDS)
