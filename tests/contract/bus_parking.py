"""What every bus promises about messages that fail, and about who may hear which."""

from libs.common.bus.protocol import Bus, Delivery, Message, Poison
from tests.contract.bus_promises import Heard, Open, a_message, eventually, some_messages


class ParkingPromises:
    async def test_poison_is_parked_at_once_and_redriven_once(self, open_bus: Open) -> None:
        bus = await open_bus()
        cured = False
        heard = Heard(lambda _: None if cured else Poison("INVALID_EVENT"))
        await bus.declare("one", ["#"], restricted=True)
        await bus.consume("one", heard, prefetch=5)
        message = a_message(body=b"\x00\xff not JSON", restricted=True)
        await bus.publish([message])
        await eventually(lambda: self._reasons(bus), ["INVALID_EVENT"])

        [letter] = await bus.dead("one")
        assert (letter.message, letter.queue, letter.attempts) == (message, "one", 1)
        assert letter.parked_at.tzinfo is not None
        assert await bus.dead("one") == [letter], "looking changes nothing"
        await eventually(lambda: bus.depth("one"), 0)

        cured = True
        assert await bus.redrive("one", ["another"]) == 0
        assert await bus.redrive("one", [message.id]) == 1
        await heard.until_count(2)
        assert heard.deliveries == [Delivery(message, 1), Delivery(message, 1)]
        assert await bus.redrive("one") == 0
        assert await bus.dead("one") == []

    async def test_all_or_some_dead_letters_are_redriven(self, open_bus: Open) -> None:
        bus = await open_bus()
        messages = some_messages(12)
        await bus.declare("one", ["#"], restricted=False)
        consumer = await bus.consume("one", Heard(lambda _: Poison("NO")), prefetch=3)
        await bus.publish(messages)
        await eventually(lambda: self._reasons(bus), ["NO"] * 12)
        await consumer.cancel()

        assert len(await bus.dead("one", limit=5)) == 5
        assert await bus.redrive("one", [messages[7].id, messages[2].id]) == 2
        left = {letter.message.id for letter in await bus.dead("one")}
        assert left == {each.id for each in messages} - {messages[7].id, messages[2].id}
        assert await bus.redrive("one") == 10
        await eventually(lambda: bus.depth("one"), 12)

    async def test_what_always_fails_is_parked_at_the_limit(self, open_bus: Open) -> None:
        bus = await open_bus(limit=3)
        heard = Heard(lambda _: KeyError("a citizen's words"))
        await bus.declare("one", ["#"], restricted=False)
        await bus.consume("one", heard, prefetch=5)

        await bus.publish([a_message()])

        await eventually(lambda: self._reasons(bus), ["KeyError"])
        assert [each.attempt for each in heard.deliveries] == [1, 2, 3]
        [letter] = await bus.dead("one")
        assert letter.attempts == 3

    async def test_restricted_messages_reach_only_who_asked(self, open_bus: Open) -> None:
        bus = await open_bus()
        curious, trusted, listener = Heard(), Heard(), Heard()
        await bus.declare("one", ["#"], restricted=False)
        await bus.declare("two", ["case.filed.v1"], restricted=True)
        await bus.consume("one", curious, prefetch=5)
        await bus.consume("two", trusted, prefetch=5)
        await bus.broadcast(listener.listen)
        secret, plain = a_message(restricted=True), a_message()

        await bus.publish([secret, plain])

        await trusted.until_all([secret, plain])
        await curious.until_count(1)
        await listener.until_count(1)
        assert curious.messages == listener.messages == [plain]
        assert next(m for m in trusted.messages if m.id == secret.id).restricted

    async def test_broadcast_reaches_all_who_listen_and_keeps_nothing(self, open_bus: Open) -> None:
        bus = await open_bus()
        here, there, away = Heard(), Heard(), Heard()

        async def broken(_: Message) -> None:
            raise ValueError

        for listen in (here.listen, there.listen, broken):
            await bus.broadcast(listen)
        gone = await bus.broadcast(away.listen)
        await gone.cancel()
        messages = some_messages(20, "nobody.else.v1")

        await bus.publish(messages)

        for heard in (here, there):
            await heard.until_count(20)
            assert heard.messages == messages
        await bus.broadcast(away.listen)
        last = a_message()
        await bus.publish([last])
        await away.until_count(1)
        assert away.messages == [last]

    @staticmethod
    async def _reasons(bus: Bus) -> list[str]:
        return [letter.reason for letter in await bus.dead("one")]
