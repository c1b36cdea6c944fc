"""A process to kill: `python -m tests.contract.bus_child URL PREFIX publish|consume|fail`."""

import asyncio
import os
import sys

from libs.common.bus.factory import open_bus
from libs.common.bus.protocol import Bus, Delivery, Message

BATCH = 20


def say(*words: str) -> None:
    os.write(1, f"{' '.join(words)}\n".encode())


async def publish(bus: Bus) -> None:
    number = 0
    while True:
        ids = [f"{number + place:06}" for place in range(BATCH)]
        say("trying", *ids)
        count = await bus.publish([Message(each, "case.filed.v1", b"{}") for each in ids])
        say("confirmed", *ids[:count])
        number += count


async def consume(bus: Bus) -> None:
    async def receive(delivery: Delivery) -> None:
        await asyncio.sleep(0)
        say("received", delivery.message.id)

    await bus.consume("one", receive, prefetch=10)
    await asyncio.Event().wait()


async def fail(bus: Bus) -> None:
    """Dies of every message, at once."""

    async def receive(delivery: Delivery) -> None:
        say("received", delivery.message.id, str(delivery.attempt))
        os.kill(os.getpid(), 9)

    await bus.consume("one", receive, prefetch=1)
    await asyncio.Event().wait()


async def main(url: str, prefix: str, what: str) -> None:
    bus = open_bus(url, name="child", prefix=prefix)
    await bus.start()
    await {"publish": publish, "consume": consume, "fail": fail}[what](bus)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
