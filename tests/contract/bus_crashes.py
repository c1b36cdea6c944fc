"""What every bus keeps when the processes around it are killed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from libs.common.bus.protocol import Bus, Delivery, Message, Poison
from tests.contract.bus_promises import PATIENCE_SECONDS, Heard, Open, a_message, eventually

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Address:
    """Where another process finds the same bus."""

    url: str
    prefix: str


class Child:
    """Another process on the bus, and what it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: dict[str, list[str]] = {"trying": [], "confirmed": [], "received": []}

    async def read_until(self, word: str, count: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.said[word]) < count and await self._read():
                continue

    async def kill(self) -> None:
        """SIGKILL; what it said before is heard."""
        if self._process.returncode is None:
            self._process.kill()
        while await self._read():
            continue
        await self._process.wait()

    async def _read(self) -> bool:
        assert self._process.stdout
        line = (await self._process.stdout.readline()).decode()
        if line.endswith("\n"):
            word, *ids = line.split()
            self.said.get(word, []).extend(ids)
        return bool(line)


@asynccontextmanager
async def a_child(address: Address, what: str) -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.contract.bus_child",
        address.url,
        address.prefix,
        what,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    child = Child(process)
    try:
        yield child
    finally:
        await child.kill()


class CrashPromises:
    async def test_nothing_confirmed_is_lost_when_processes_are_killed(
        self, open_bus: Open, address: Address
    ) -> None:
        await self._prepare(await open_bus())
        async with a_child(address, "publish") as publisher:
            await publisher.read_until("confirmed", 600)
        async with a_child(address, "consume") as consumer:
            await consumer.read_until("received", 200)
        bus = await open_bus()
        heard = Heard()
        await bus.consume("one", heard, prefetch=50)

        confirmed, tried = set(publisher.said["confirmed"]), set(publisher.said["trying"])
        before = set(consumer.said["received"])
        await heard.until(lambda: confirmed <= before | set(heard.ids))

        await eventually(lambda: bus.depth("one"), 0)
        assert before | set(heard.ids) <= tried
        assert len(heard.ids) == len(set(heard.ids)), "each once, when nobody is killed"
        twice = [d for d in heard.deliveries if d.message.id in before]
        assert all(d.attempt > 1 for d in twice)

    async def test_what_kills_its_reader_is_parked_in_the_end(
        self, open_bus: Open, address: Address
    ) -> None:
        await self._prepare(await open_bus(limit=3), a_message())
        attempts = []
        for _ in range(3):
            async with a_child(address, "fail") as child:
                await child.read_until("received", 2)
            attempts.append(child.said["received"][1])
        assert attempts == ["1", "2", "3"]
        bus = await open_bus(limit=3)
        heard = Heard()

        await bus.consume("one", heard, prefetch=1)
        await bus.publish([message := a_message()])

        await heard.until_count(1)
        assert heard.messages == [message]

        async def reasons() -> list[str]:
            return [letter.reason for letter in await bus.dead("one")]

        await eventually(reasons, ["DELIVERY_LIMIT"])

    async def test_queues_and_dead_letters_outlive_the_process(
        self, open_bus: Open, address: Address
    ) -> None:
        bus = await open_bus()
        await bus.declare("one", ["#"], restricted=False)
        poison, plain = a_message(body=b"poison"), a_message(body=b"plain")

        async def pick(delivery: Delivery) -> None:
            if delivery.message.body == b"poison":
                raise Poison("INVALID_EVENT")
            await asyncio.Event().wait()

        await bus.consume("one", pick, prefetch=5)
        await bus.publish([poison, plain])

        async def dead() -> list[Message]:
            return [letter.message for letter in await bus.dead("one")]

        await eventually(dead, [poison])
        closing = asyncio.create_task(bus.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        bus = await open_bus()

        assert await dead() == [poison]
        heard = Heard()
        await bus.consume("one", heard, prefetch=5)
        await heard.until_count(1)
        assert heard.deliveries == [Delivery(plain, attempt=2)]
        await bus.redrive("one")
        await heard.until_all([poison])

    @staticmethod
    async def _prepare(bus: Bus, *messages: Message) -> None:
        await bus.declare("one", ["#"], restricted=False)
        await bus.publish(messages)
        await bus.close()
