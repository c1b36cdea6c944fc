"""How pushes keep pace: what is dropped, what is told in short, and who is cut off."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.bus.protocol import Message
from libs.common.clock import utc_now
from libs.common.contracts.chat import MessageSent
from libs.common.contracts.grievance import GrievanceClassified
from libs.common.principal import Principal, Role
from services.gateway.domain.rooms import Grant, Push
from services.gateway.realtime import lanes
from services.gateway.realtime.streams import RECONNECT, Stream
from tests.service.gateway.realtime_host import CASE, SUMMARY, TALK, Hall, Heard, hall_at, settled

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with hall_at(tmp_path) as opened:
        yield opened


def classified() -> GrievanceClassified:
    return GrievanceClassified(
        grievance_id=CASE, categories=["FIRE"], classification_status="suggested"
    )


def summaries(client: Heard) -> list[str | None]:
    return [data["summary"] for data in client.told("classification_complete")]


async def test_more_than_can_be_told_is_dropped_and_the_rest_is_told(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded: a push is a hint, and what waits for an owner takes memory."""
    monkeypatch.setattr(lanes, "KEPT_IN_A_LANE", 3)
    replica = await hall.replica()
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token())
    await client.subscribe("grievance", CASE)
    hall.played.gate.clear()
    for _ in range(50):
        await replica.hear(classified())
    hall.played.gate.set()

    await settled(lambda: client.events)
    await replica.hear(classified())
    await settled(lambda: len(client.events) in {4, 5})
    assert summaries(client)[-1] == SUMMARY


async def test_news_that_waited_long_is_told_in_short(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "PATIENCE_SECONDS", -1.0)
    replica = await hall.replica()
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token())
    await client.subscribe("grievance", CASE)
    await replica.hear(classified())

    await settled(lambda: client.events)
    assert summaries(client) == [None]


async def test_an_owner_that_is_away_is_left_alone_for_a_while(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "REST_SECONDS", 60.0)
    replica = await hall.replica()
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token())
    await client.subscribe("grievance", CASE)
    hall.played.is_away = True
    await replica.hear(classified())
    await settled(lambda: client.events)
    asked = len(hall.played.asked)
    for _ in range(3):
        await replica.hear(classified())

    await settled(lambda: len(client.events) == 4)
    assert len(hall.played.asked) == asked
    assert summaries(client) == [None] * 4


async def test_what_its_owner_says_is_gone_is_not_told(hall: Hall) -> None:
    """A case may have become one that nobody watches since its event was written."""
    replica = await hall.replica()
    hall.played.lets("guest:1", CASE, TALK)
    client = await replica.connect(replica.token())
    await client.subscribe("conversation", TALK)
    hall.played.is_gone = True
    await replica.hear(MessageSent(conversation_id=TALK, message_id="m-1"))
    await settled(lambda: any("m-1" in path for path in hall.played.asked))
    hall.played.is_gone = False
    await replica.hear(MessageSent(conversation_id=TALK, message_id="m-2"))

    await settled(lambda: client.events)
    assert [data["message"]["id"] for data in client.told("chat_message")] == ["m-2"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"specversion":"1.0"}', b'{"type":1}', b"\xff"]
)
async def test_what_cannot_be_read_is_passed_over(hall: Hall, body: bytes) -> None:
    replica = await hall.replica()
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token())
    await client.subscribe("grievance", CASE)
    await replica.realtime.hear(Message("m-1", "grievance.classified.v1", body))
    await replica.hear(classified())

    await settled(lambda: client.events)
    assert len(client.events) == 1


def a_stream(backlog: int = 2) -> Stream:
    principal = Principal("guest:1", Role.GUEST)
    return Stream(Grant(principal, "token", utc_now().timestamp() + 60), backlog)


async def test_a_stream_holds_so_much_for_its_reader_and_then_ends() -> None:
    stream = a_stream()
    for number in range(4):
        await stream.offer(Push("x", {"n": number}, str(number)))
    chunks = [chunk async for chunk in stream.chunks()]

    assert stream.is_too_slow
    assert b"".join(chunks).count(b"event: x\n") == 2


async def test_a_stream_that_ends_gives_what_waits_and_says_why() -> None:
    stream = a_stream()
    await stream.offer(Push("x", {"text": "a\nb\r\u2028"}, "1"))
    await stream.dismiss(RECONNECT)
    await stream.offer(Push("x", {}, "2"))
    text = b"".join([chunk async for chunk in stream.chunks()]).decode()

    assert 'id: 1\nevent: x\ndata: {"text":"a\\nb\\r\u2028"}\n\n' in text
    assert text.index("event: x") < text.index("event: reconnect")
    assert "id: 2" not in text
