"""Messages as AMQP carries them, on their way and parked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from libs.common.bus.listening import SPENT
from libs.common.bus.protocol import DeadLetter, Delivery, Message
from libs.common.clock import utc_now
from libs.common.events import CONTENT_TYPE


def outgoing(message: Message, **headers: Any) -> aio_pika.Message:
    """The message for the broker. Its topic is its `type` too: the routing key does not stay."""
    if message.restricted:
        headers["restricted"] = True
    return aio_pika.Message(
        message.body,
        content_type=CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message.id,
        type=message.topic,
        headers=headers or None,
    )


def parked(delivery: Delivery, reason: str) -> aio_pika.Message:
    """The dead letter of a delivery."""
    return outgoing(
        delivery.message,
        reason=reason,
        attempts=delivery.attempt,
        parked_at=utc_now().isoformat(),
        topic=delivery.message.topic,
    )


def message_of(incoming: AbstractIncomingMessage) -> Message:
    """What was sent, whoever sent it."""
    return Message(
        id=incoming.message_id or "",
        topic=incoming.type or incoming.routing_key or "",
        body=incoming.body,
        restricted=bool(incoming.headers.get("restricted")),
    )


def delivery_of(incoming: AbstractIncomingMessage) -> Delivery:
    """What was sent, and for the how-manieth time."""
    return Delivery(message_of(incoming), attempt=_number(incoming, "x-delivery-count") + 1)


def dead_letter_of(queue: str, incoming: AbstractIncomingMessage) -> DeadLetter:
    """A parked message: by us, or by the broker when it kept killing its reader."""
    headers = cast("Mapping[str, Any]", incoming.headers)
    death: Mapping[str, Any] = next(iter(headers.get("x-death") or ()), {})
    parked_at = headers.get("parked_at") or death.get("time")
    if isinstance(parked_at, str):
        parked_at = datetime.fromisoformat(parked_at)
    return DeadLetter(
        message_of(incoming),
        queue=queue,
        reason=str(headers.get("reason") or SPENT),
        attempts=_number(incoming, "attempts") or _number(incoming, "x-delivery-count"),
        parked_at=parked_at or utc_now(),
    )


def _number(incoming: AbstractIncomingMessage, header: str) -> int:
    found = incoming.headers.get(header)
    return found if isinstance(found, int) else 0
