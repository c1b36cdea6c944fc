"""What every bus promises, written once; `test_bus.py` holds each transport to it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from libs.common.bus.protocol import Bus, Delivery, Message
from libs.common.ids import new_id
from libs.common.testing.stage import until

Open = Callable[..., Awaitable[Bus]]
"""Opens the bus under test, again if need be: `await open_bus()`, `await open_bus(limit=3)`."""

PATIENCE_SECONDS = 20.0


def a_message(topic: str = "case.filed.v1", body: bytes = b"{}", **more: Any) -> Message:
    return Message(new_id(), topic, body, **more)


def some_messages(count: int, topic: str = "case.filed.v1") -> list[Message]:
    return [a_message(topic, b"%d" % number) for number in range(count)]


class Heard:
    """A receiver and listener that remembers; tests wait for what it heard."""

    def __init__(self, fails: Callable[[Delivery], Exception | None] = lambda _: None) -> None:
        self.deliveries: list[Delivery] = []
        self.messages: list[Message] = []
        self._fails = fails
        self._changed = asyncio.Condition()

    async def __call__(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        await self.listen(delivery.message)
        if error := self._fails(delivery):
            raise error

    async def listen(self, message: Message) -> None:
        self.messages.append(message)
        async with self._changed:
            self._changed.notify_all()

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.messages]

    async def until(self, fact: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(fact)

    async def until_count(self, count: int) -> None:
        await self.until(lambda: len(self.messages) >= count)

    async def until_all(self, messages: list[Message]) -> None:
        wanted = {message.id for message in messages}
        await self.until(lambda: wanted <= set(self.ids))


async def eventually(ask: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Ask until the answer is `wanted`: for what a broker only says when asked."""

    async def answers() -> bool:
        return bool(await ask() == wanted)

    await until(answers, seconds=PATIENCE_SECONDS)


class DeliveryPromises:
    async def test_each_queue_gets_its_own_copy(self, open_bus: Open) -> None:
        bus = await open_bus()
        first, second = Heard(), Heard()
        for queue, heard in (("one", first), ("two", second)):
            await bus.declare(queue, ["case.filed.v1"], restricted=False)
            await bus.consume(queue, heard, prefetch=5)
        message = a_message(body=b'{"id": 1}')

        assert await bus.publish([message, a_message("nobody.listens.v1")]) == 2

        for heard in (first, second):
            await heard.until_count(1)
            assert heard.deliveries == [Delivery(message, attempt=1)]

    async def test_messages_arrive_in_the_order_they_were_published(self, open_bus: Open) -> None:
        bus = await open_bus()
        heard = Heard()
        await bus.declare("one", ["#"], restricted=False)
        await bus.consume("one", heard, prefetch=1)
        messages = some_messages(300)

        await bus.publish(messages[:1])
        await bus.publish(messages[1:250])
        await bus.publish(messages[250:])

        await heard.until_count(300)
        assert heard.messages == messages

    async def test_a_queue_keeps_what_was_said_while_nobody_consumed(self, open_bus: Open) -> None:
        bus = await open_bus()
        await bus.declare("one", ["case.filed.v1", "case.closed.v1"], restricted=False)
        messages = [a_message(), a_message("case.closed.v1")]
        await bus.publish(messages)
        await eventually(lambda: bus.depth("one"), 2)
        await bus.close()
        bus = await open_bus()
        heard = Heard()

        await bus.consume("one", heard, prefetch=1)

        await heard.until_count(2)
        assert heard.messages == messages
        await eventually(lambda: bus.depth("one"), 0)

    async def test_a_failure_is_redelivered_and_holds_nobody_up(self, open_bus: Open) -> None:
        bus = await open_bus()
        bad, *others = some_messages(100)
        heard = Heard(lambda d: ValueError() if d.message.id == bad.id and d.attempt < 3 else None)
        await bus.declare("one", ["#"], restricted=False)
        await bus.consume("one", heard, prefetch=1)

        await bus.publish([bad, *others])

        await heard.until(lambda: heard.ids.count(bad.id) == 3)
        attempts = [each.attempt for each in heard.deliveries if each.message.id == bad.id]
        assert attempts == [1, 2, 3]
        await heard.until_all(others)
        assert heard.ids.index(others[0].id) < heard.ids.index(bad.id, 1)
        await eventually(lambda: bus.depth("one"), 0)
        assert await bus.dead("one") == []

    async def test_prefetch_bounds_how_many_are_received_at_once(self, open_bus: Open) -> None:
        bus = await open_bus()
        running = most = received = 0
        full, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def slow(_: Delivery) -> None:
            nonlocal running, most, received
            running += 1
            most = max(most, running)
            if running == 4:
                full.set()
            await go_on.wait()
            running -= 1
            received += 1
            if received == 50:
                done.set()

        await bus.declare("one", ["#"], restricted=False)
        await bus.consume("one", slow, prefetch=4)
        await bus.publish(some_messages(50))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await full.wait()
            await eventually(lambda: bus.depth("one"), 50)
            go_on.set()
            await done.wait()
        assert most == 4

    async def test_five_thousand_messages_arrive_exactly(self, open_bus: Open) -> None:
        bus = await open_bus()
        heard = Heard()
        messages = some_messages(5_000)
        await bus.declare("one", ["#"], restricted=False)

        for start in range(0, 5_000, 1_000):
            assert await bus.publish(messages[start : start + 1_000]) == 1_000

        await bus.consume("one", heard, prefetch=100)
        await heard.until_count(5_000)
        assert heard.messages == messages

    async def test_cancelling_waits_for_receivers_at_work(self, open_bus: Open) -> None:
        bus = await open_bus()
        working, finish, heard = asyncio.Event(), asyncio.Event(), Heard()

        async def slow(_: Delivery) -> None:
            working.set()
            await finish.wait()

        await bus.declare("one", ["#"], restricted=False)
        consumer = await bus.consume("one", slow, prefetch=1)
        first, second = some_messages(2)
        await bus.publish([first, second])
        async with asyncio.timeout(PATIENCE_SECONDS):
            await working.wait()
            cancelling = asyncio.create_task(consumer.cancel())
            working.clear()
            finish.set()
            await cancelling
        assert not working.is_set(), "a cancelled consumer takes no more"
        await bus.consume("one", heard, prefetch=1)
        await heard.until_count(1)
        assert heard.ids == [second.id]

    async def test_what_was_not_acknowledged_is_redelivered(self, open_bus: Open) -> None:
        bus = await open_bus()
        working, heard = asyncio.Event(), Heard()

        async def stuck(_: Delivery) -> None:
            working.set()
            await asyncio.Event().wait()

        await bus.declare("one", ["#"], restricted=False)
        consumer = await bus.consume("one", stuck, prefetch=1)
        await bus.publish([message := a_message()])
        async with asyncio.timeout(PATIENCE_SECONDS):
            await working.wait()
            cancelling = asyncio.create_task(consumer.cancel())
            await asyncio.sleep(0)
            cancelling.cancel()
            await asyncio.gather(cancelling, return_exceptions=True)
        await bus.consume("one", heard, prefetch=1)

        await heard.until_count(1)
        assert heard.deliveries == [Delivery(message, attempt=2)]

    async def test_declaring_again_rebinds(self, open_bus: Open) -> None:
        bus = await open_bus()
        heard = Heard()
        await bus.declare("one", ["old.v1", "kept.v1"], restricted=True)
        await bus.declare("one", ["kept.v1", "new.v1"], restricted=False)
        await bus.consume("one", heard, prefetch=1)
        kept, new = a_message("kept.v1"), a_message("new.v1")

        await bus.publish([a_message("old.v1"), a_message("kept.v1", restricted=True), kept, new])

        await heard.until_count(2)
        assert heard.messages == [kept, new]

    async def test_starting_and_closing_twice_is_harmless(self, open_bus: Open) -> None:
        bus = await open_bus()
        await bus.start()
        await bus.ping()
        assert await bus.publish([]) == 0
        await bus.close()
        await bus.close()
