"""An outside consumer: prints the facts Redress tells, one CloudEvent a line.

    python examples/consumer.py --feed http://localhost:8000 --key rdr_live_…
    python examples/consumer.py --url amqp://guest:guest@localhost:5672/ --count 10 --seconds 60

**The feed** needs an API key with the scope `events:read` and nothing but Python. It begins with
the very first event and misses none: where it stands is kept in a file (`--cursor-file`), written
after the events were handled, so a restart goes on from there. What it handled last when it was
killed comes again: a consumer that must do things once remembers the ids it has handled.

**The bus** is for programs inside the installation's network (`pip install aio-pika`). It binds a
queue of its own to the topic exchange `<prefix>.events` (`redress.events` by default) and takes
every topic (`--topic 'grievance.#'` takes fewer). The queue is exclusive: it ends with this
program, and what is said while nobody listens is not kept for it. A consumer that must not miss
anything declares a durable queue instead.

It never touches `<prefix>.restricted`: cases of sexual exploitation, abuse and harassment do not
leave the house, and are in no feed. Nothing here imports Redress.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

CONNECT_SECONDS = 10
WAIT_SECONDS = 20
"""How long the feed holds its answer while there is nothing new."""
PAGE_SECONDS = WAIT_SECONDS + 20
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0
PAGE = 1000
AGAIN = {408, 429, 500, 502, 503, 504}
"""What is worth asking again after; anything else would be said again."""
REQUIRED = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
KNOWN = REQUIRED | {"traceparent", "restricted"}


class NotCloudEvent(Exception):
    """The message is not what the contract says."""


class Refused(Exception):
    """The feed says no, and would say so again."""


def read(body: bytes) -> dict[str, Any]:
    """A CloudEvent of ours (structured JSON, 1.0). Raises NotCloudEvent."""
    try:
        event = json.loads(body)
    except ValueError:
        raise NotCloudEvent("not JSON") from None
    return checked(event)


def checked(event: Any) -> dict[str, Any]:
    """`event` itself, checked by hand. Raises NotCloudEvent."""
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
    """Every event from now on, from the bus."""
    import aio_pika  # noqa: PLC0415 - the feed does without

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


def keep(file: Path, cursor: str) -> None:
    """Write the cursor so that there is always a whole one, whenever the machine stops."""
    part = file.with_name(file.name + ".part")
    with part.open("w") as out:
        out.write(cursor + "\n")
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def answered(given: argparse.Namespace, cursor: str | None, limit: int) -> dict[str, Any]:
    """The page after `cursor`; whoever is away is asked again. Raises Refused."""
    query = [("limit", str(limit)), ("wait", str(WAIT_SECONDS))]
    query += [("after", cursor)] if cursor else []
    query += [("type", each) for each in given.type]
    query += [("subject", given.subject)] if given.subject else []
    url = f"{given.feed.rstrip('/')}/api/v1/events?{urlencode(query)}"
    request = Request(url, headers={"X-API-Key": given.key})
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            with urlopen(request, timeout=PAGE_SECONDS) as answer:
                data: dict[str, Any] = json.load(answer)["data"]
                return data
        except HTTPError as error:
            if error.code not in AGAIN:
                raise Refused(f"{error.code} {error.read(500).decode(errors='replace')}") from None
            asked = error.headers.get("Retry-After", "")
            pause = max(pause, float(asked)) if asked.isdigit() else pause
        except (OSError, HTTPException, ValueError) as error:
            print(f"consumer: {type(error).__name__}, asking again", file=sys.stderr)
        time.sleep(pause)
        pause = min(MAX_PAUSE_SECONDS, pause * 2)


def follow(given: argparse.Namespace) -> int:
    """Print the feed; exit code 0 when as many came as were asked for, or time was all asked."""
    file: Path = given.cursor_file
    cursor = file.read_text().strip() if file.exists() else None
    left = given.count or float("inf")
    until = time.monotonic() + (given.seconds or float("inf"))
    while time.monotonic() < until:
        page = answered(given, cursor, int(min(PAGE, left)))
        if page["incomplete"]:
            print(f"consumer: without {', '.join(page['incomplete'])}", file=sys.stderr)
        for event in page["items"]:
            show(checked(event))
        if page["next_cursor"] != cursor:
            cursor = page["next_cursor"]
            keep(file, cursor)
        left -= len(page["items"])
        if left == 0:
            return 0
    return 1 if given.count else 0


async def listen(url: str, prefix: str, topic: str, count: int) -> None:
    """Print `count` events from the bus."""
    left = count
    async for event in events(url, prefix, topic):
        show(event)
        left -= 1
        if left == 0:
            return


async def hear(given: argparse.Namespace) -> int:
    """Print the bus; exit code 0 when as many came as were asked for, or time was all asked."""
    try:
        async with asyncio.timeout(given.seconds):
            await listen(given.url, given.prefix, given.topic, given.count)
    except TimeoutError:
        return 1 if given.count else 0
    return 0


def show(event: dict[str, Any]) -> None:
    """Handle an event: whatever a real consumer does."""
    print(json.dumps(event, ensure_ascii=False, sort_keys=True), flush=True)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    feed = parser.add_argument_group("the feed")
    feed.add_argument("--feed", help="where Redress answers: http://localhost:8000")
    feed.add_argument("--key", default="", help="an API key with the scope events:read")
    feed.add_argument("--cursor-file", type=Path, default=Path("redress.cursor"))
    feed.add_argument("--type", action="append", default=[], help="a topic, or grievance.*")
    feed.add_argument("--subject", help="the id of one case, file, task, conversation or user")
    bus = parser.add_argument_group("the bus")
    bus.add_argument("--url", default="amqp://guest:guest@localhost:5672/")
    bus.add_argument("--prefix", default="redress")
    bus.add_argument("--topic", default="#")
    parser.add_argument("--count", type=int, default=0, help="end after so many; 0 is no limit")
    parser.add_argument("--seconds", type=float, help="end after so long")
    return parser.parse_args()


def main() -> int:
    """Exit code 0 when as many came as were asked for, or time was all that was asked."""
    given = arguments()
    try:
        return follow(given) if given.feed else asyncio.run(hear(given))
    except Exception as failure:  # noqa: BLE001 - aio-pika's are known where it is installed
        sys.stderr.write(f"consumer: {type(failure).__name__}: {failure}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
