"""Two gateways on one bus: a client on each hears the same (must show 2, design 4)."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.bus.factory import open_bus
from libs.common.bus.protocol import Bus
from libs.common.contracts.chat import MessageSent
from libs.common.contracts.grievance import GrievanceStatusChanged
from libs.common.contracts.users import SessionRevoked
from libs.common.events import Envelope, Event
from libs.common.principal import Role
from libs.common.testing.stage import unique, until
from services.gateway.realtime.hinting import EVERY_SECONDS
from tests.service.gateway.realtime_host import (
    CASE,
    OTHER_CASE,
    TALK,
    Hall,
    Heard,
    Replica,
    hall_at,
    message_of,
    settled,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

BUSES = ["embedded", pytest.param("rabbit", marks=pytest.mark.rabbit)]
QUEUES = ["grievance", "chat"]


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with hall_at(tmp_path) as opened:
        yield opened


@pytest.fixture(params=BUSES)
async def buses(request: pytest.FixtureRequest, hall: Hall, tmp_path: Path) -> list[Bus]:
    """The bus as each of two gateways has it, with durable queues beside them."""
    prefix = unique("rt")
    if request.param == "embedded":
        one = open_bus(f"embedded://{tmp_path / 'bus.db'}", name="gateway")
        found = [one, one]
    else:
        url = os.environ.get("TEST_BUS_URL")
        if not url:
            pytest.skip("needs TEST_BUS_URL")
        found = [open_bus(url, name=f"gateway-{n}", prefix=prefix) for n in range(2)]
    for bus in {id(bus): bus for bus in found}.values():
        await bus.start()
        hall.stack.push_async_callback(bus.close)
    topics = [GrievanceStatusChanged.topic, MessageSent.topic]
    for queue in QUEUES:
        await found[0].declare(queue, topics, restricted=True)
    return found


@pytest.fixture
async def replicas(hall: Hall, buses: list[Bus]) -> list[Replica]:
    return [await hall.replica(bus=bus) for bus in buses]


async def say(bus: Bus, event: Event, *, restricted: bool = False, times: int = 1) -> None:
    message = message_of(Envelope.of(event, source="test", restricted=restricted))
    await bus.publish([message] * times)


def moved(grievance_id: str = CASE) -> GrievanceStatusChanged:
    return GrievanceStatusChanged(
        grievance_id=grievance_id, from_status="pending", to_status="acknowledged",
        action="acknowledge", level=1,
    )  # fmt: skip


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_client_on_each_replica_hears_it_once(
    hall: Hall, buses: list[Bus], replicas: list[Replica], transport: str
) -> None:
    """Must show 2; reliability row 9: published three times, told once."""
    hall.played.lets("guest:1", CASE, OTHER_CASE)
    token = replicas[0].token()
    clients = [await each.connect(token, transport=transport) for each in replicas]
    for client in clients:
        await client.subscribe("grievance", CASE)
        await client.subscribe("grievance", OTHER_CASE)
    await say(buses[0], moved(), restricted=True)
    await say(buses[0], moved(), times=3)
    await say(buses[1], moved(OTHER_CASE))

    for client in clients:
        await settled(lambda: len(client.events) >= 2)  # noqa: B023 - at once
    told = [sorted(data["grievance_id"] for _, data in client.events) for client in clients]
    assert told == [sorted([CASE, OTHER_CASE])] * 2


async def test_a_stranger_on_the_other_replica_hears_nothing(
    hall: Hall, buses: list[Bus], replicas: list[Replica]
) -> None:
    """Security row 38, across replicas."""
    hall.played.lets("guest:1", CASE)
    hall.played.lets("guest:2", OTHER_CASE)
    owner = await replicas[0].connect(replicas[0].token("guest:1"))
    thief = await replicas[1].connect(replicas[1].token("guest:2"))
    await owner.subscribe("grievance", CASE)
    refusal = await thief.subscribe("grievance", CASE)
    await thief.subscribe("grievance", OTHER_CASE)
    await say(buses[0], moved())
    await say(buses[0], moved(OTHER_CASE))

    await settled(lambda: owner.events and thief.events)
    assert refusal["error"]["code"] == "NOT_FOUND"
    assert [data["grievance_id"] for _, data in thief.events] == [OTHER_CASE]


async def test_a_revoked_session_leaves_every_replica(
    buses: list[Bus], replicas: list[Replica]
) -> None:
    clients = [await each.connect(each.token()) for each in replicas]
    await say(buses[1], SessionRevoked(principal_id="guest:1"))

    for client in clients:
        await client.left.wait()
        assert client.told("session_revoked")


async def both_in(
    hall: Hall, replicas: list[Replica], who: tuple[str, str] = ("guest:1", "officer:1")
) -> tuple[Heard, Heard]:
    """A citizen on one replica and an officer on the other, in one conversation."""
    for each in who:
        hall.played.lets(each, TALK)
    citizen = await replicas[0].connect(replicas[0].token(who[0]))
    officer = await replicas[1].connect(replicas[1].token(who[1], Role.GRC_MEMBER))
    for client in (citizen, officer):
        await client.subscribe("conversation", TALK)
    return citizen, officer


async def test_the_others_hear_that_somebody_writes(
    hall: Hall, buses: list[Bus], replicas: list[Replica]
) -> None:
    """Issue 3, `typing`: on every replica, once, not to whoever writes, and kept nowhere."""
    citizen, officer = await both_in(hall, replicas)
    near = await replicas[0].connect(replicas[0].token("guest:1"))
    await near.subscribe("conversation", TALK)
    answers = [await citizen.ask("typing", TALK) for _ in range(5)]
    back = await officer.ask("typing", {"conversation_id": TALK})
    await say(buses[0], MessageSent(conversation_id=TALK, message_id="m-1"))

    for client in (citizen, officer, near):
        await settled(lambda: client.told("chat_message") and client.told("typing"))  # noqa: B023
    assert {answer["status"] for answer in [*answers, back]} == {"success"}
    from_citizen = [{"conversation_id": TALK, "who": "customer"}]
    from_officer = [{"conversation_id": TALK, "who": "agent"}]
    assert officer.told("typing") == from_citizen
    assert citizen.told("typing") == from_officer
    assert near.told("typing") == from_citizen + from_officer
    depths = [await buses[0].depth(queue) for queue in QUEUES]
    assert depths == [1, 1]  # the message, and no hint


async def test_who_writes_on_is_told_of_again_after_a_while(
    hall: Hall, replicas: list[Replica]
) -> None:
    citizen, officer = await both_in(hall, replicas)

    async def told_twice() -> bool:
        await citizen.ask("typing", TALK)
        return len(officer.told("typing")) == 2

    await until(told_twice, every=EVERY_SECONDS / 5)


async def test_hints_do_not_wait_for_the_bus(
    hall: Hall, buses: list[Bus], replicas: list[Replica]
) -> None:
    """With the bus away the clients of this replica still hear it, at once."""
    citizen, _ = await both_in(hall, replicas)
    near = await replicas[0].connect(replicas[0].token("guest:1"))
    await near.subscribe("conversation", TALK)
    await buses[0].close()
    answer = await citizen.ask("typing", TALK)

    await settled(lambda: near.told("typing"))
    assert answer["status"] == "success"


async def test_a_conversation_that_nobody_may_watch_any_more_is_left(
    hall: Hall, replicas: list[Replica], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADR 11: hints do not come from the owner, so it is asked again now and then."""
    monkeypatch.setattr("services.gateway.realtime.hub.ASKED_AGAIN_SECONDS", 0.0)
    citizen, officer = await both_in(hall, replicas)
    hall.played.may.clear()
    answers = [await citizen.ask("typing", TALK) for _ in range(2)]
    await replicas[1].hear(MessageSent(conversation_id=TALK, message_id="m-1"))

    await settled(lambda: officer.told("chat_message"))
    assert {answer["error"]["code"] for answer in answers} == {"NOT_FOUND"}
    assert officer.told("typing") == []
