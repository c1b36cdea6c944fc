"""An outside consumer: prints the facts Redress tells, one CloudEvent a line.

    python examples/consumer.py --url amqp://guest:guest@localhost:5672/ --count 10 --seconds 60

It binds a queue of its own to the topic exchange `<prefix>.events` (`redress.events` by default)
and takes every topic (`--topic 'grievance.#'` takes fewer). The queue is exclusive: it ends with
this program, and what is said while nobody listens is not kept for it. A consumer that must not
miss anything declares a durable queue instead, and remembers the ids it has handled.

It never touches `<prefix>.restricted`: cases of sexual exploitation, abuse and harassment do not
leave the house. Nothing here imports Redress; `pip install aio-pika` is all it takes.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import aio_pika

CONNECT_SECONDS = 10
REQUIRED = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
KNOWN = REQUIRED | {"traceparent", "restricted"}


class NotCloudEvent(Exception):
    """The message is not what the contract says."""


def read(body: bytes) -> dict[str, Any]:
    """A CloudEvent of ours (structured JSON, 1.0), checked by hand. Raises NotCloudEvent."""
    try:
        event = json.loads(body)
    except ValueError:
        raise NotCloudEvent("not JSON") from None
    if not isinstance(event, dict) or REQUIRED - event.keys() or event.keys() - KNOWN:
        raise NotCloudEvent("an attribute is missing or unknown")
    if event["specversion"] != "1.0" or event["datacontenttype"] != "application/json":
        raise NotCloudEvent("not CloudEvents 1.0 with JSON data")
    texts = ("id", "source", "type", "subject", "time")
    if not all(isinstance(event[name], str) and event[name] for name in texts):
        raise NotCloudEvent("an attribute is not a text")
    if not isinstance(event["data"], dict) or event.get("restricted"):
        raise NotCloudEvent("restricted, or its data is no object")
    if datetime.fromisoformat(event["time"]).tzinfo is None:
        raise NotCloudEvent("its time names no zone")
    return event


async def events(url: str, prefix: str, topic: str) -> AsyncIterator[dict[str, Any]]:
    """Every event from now on."""
    connection = await aio_pika.connect(url, timeout=CONNECT_SECONDS)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        exchange = await channel.get_exchange(f"{prefix}.events")
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, topic)
        async with queue.iterator() as messages:
            async for message in messages:
                async with message.process():
                    event = read(message.body)
                    if event["type"] != message.routing_key:
                        raise NotCloudEvent("its type is not its routing key")
                    yield event


async def listen(url: str, prefix: str, topic: str, count: int) -> None:
    """Print `count` events."""
    left = count
    async for event in events(url, prefix, topic):
        print(json.dumps(event, ensure_ascii=False, sort_keys=True), flush=True)
        left -= 1
        if left == 0:
            return


async def main() -> int:
    """Exit code 0 when as many came as were asked for, or time was all that was asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="amqp://guest:guest@localhost:5672/")
    parser.add_argument("--prefix", default="redress")
    parser.add_argument("--topic", default="#")
    parser.add_argument("--count", type=int, default=0, help="end after so many; 0 is no limit")
    parser.add_argument("--seconds", type=float, help="end after so long")
    given = parser.parse_args()
    try:
        async with asyncio.timeout(given.seconds):
            await listen(given.url, given.prefix, given.topic, given.count)
    except TimeoutError:
        return 1 if given.count else 0
    except (aio_pika.exceptions.AMQPError, NotCloudEvent, OSError) as failure:
        sys.stderr.write(f"consumer: {type(failure).__name__}: {failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
