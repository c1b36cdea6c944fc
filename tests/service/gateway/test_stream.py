"""Server-sent events: what sockets hear, one way."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from libs.common.contracts.chat import MessageSent
from libs.common.contracts.grievance import GrievanceStatusChanged
from libs.common.contracts.users import SessionRevoked
from libs.common.principal import Role
from libs.common.testing.stage import until
from services.gateway.domain.rooms import Limits
from services.gateway.realtime.streams import Stream
from services.gateway.routes import stream as route
from tests.service.gateway.realtime_host import (
    CASE,
    KEY,
    OTHER_CASE,
    TALK,
    Hall,
    Replica,
    hall_at,
)

PATH = "/api/v1/events/stream"


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with hall_at(tmp_path) as opened:
        yield opened


@pytest.fixture
async def replica(hall: Hall) -> Replica:
    return await hall.replica()


def moved(grievance_id: str = CASE) -> GrievanceStatusChanged:
    return GrievanceStatusChanged(
        grievance_id=grievance_id, from_status="pending", to_status="acknowledged",
        action="acknowledge", level=1,
    )  # fmt: skip


@dataclass
class Told:
    """One event as an EventSource would dispatch it."""

    event: str
    data: Any
    id: str


@dataclass
class Reader:
    """Reads a stream as WHATWG HTML, 9.2.6 says."""

    response: httpx2.Response
    lines: AsyncIterator[str]
    comments: int = 0
    retry: int | None = None

    async def next(self) -> Told | None:
        """The next event, or None when the stream has ended."""
        fields: dict[str, str] = {}
        async for line in self.lines:
            if not line:
                if "data" in fields:
                    return Told(fields["event"], json.loads(fields["data"]), fields["id"])
                fields = {}
                continue
            name, _, value = line.partition(":")
            if not name:
                self.comments += 1
            elif name == "retry":
                self.retry = int(value)
            else:
                fields[name] = value.removeprefix(" ")
        return None


@asynccontextmanager
async def reading(
    replica: Replica, *rooms: str, token: str | None = None, **query: str
) -> AsyncIterator[Reader]:
    params = {"subscribe": list(rooms), **query}
    async with (
        replica.http(token) as http,
        http.stream("GET", PATH, params=params) as response,
        asyncio.timeout(15),
    ):
        yield Reader(response, response.aiter_lines())


async def refusal(replica: Replica, *rooms: str, token: str | None = None, **more: str) -> str:
    """The status and code of what is answered instead of a stream."""
    params = {"subscribe": list(rooms), **more}
    async with replica.http(token) as http:
        answer = await http.get(PATH, params=params)
    return f"{answer.status_code} {answer.json()['error']['code']}"


async def test_a_stream_tells_what_sockets_are_told(hall: Hall, replica: Replica) -> None:
    """Issue 3, SSE: the same rooms, the same names, the same payloads."""
    hall.played.lets("guest:1", CASE, TALK)
    rooms = f"grievance:{CASE}", f"conversation:{TALK}"
    async with reading(replica, *rooms, token=replica.token()) as reader:
        first = await reader.next()
        first_id = (await replica.hear(moved())).id
        await replica.hear(moved(OTHER_CASE))
        told = [await reader.next()]
        await replica.hear(MessageSent(conversation_id=TALK, message_id="m-1"))
        told.append(await reader.next())

    headers = reader.response.headers
    assert headers["content-type"].startswith("text/event-stream")
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
    assert "content-length" not in headers
    assert reader.retry is not None
    assert 2000 <= reader.retry <= 6000  # reliability row 37: they come back one by one
    assert first
    assert (first.event, sorted(first.data["rooms"])) == ("subscribed", sorted(rooms))
    status, said = told
    assert status
    assert said
    assert (status.event, status.id, status.data["to"]) == (
        "grievance_status", first_id, "acknowledged",
    )  # fmt: skip
    assert said.event == "chat_message"
    assert said.data["message"]["text"] == "text of m-1"
    await until(lambda: len(replica.realtime) == 0)


async def test_a_ticket_opens_one_stream(hall: Hall, replica: Replica) -> None:
    """EventSource sends no headers: the ticket is exchanged, and used up by that."""
    hall.played.lets("guest:1", CASE)
    hall.played.tickets["t-1"] = replica.token()
    async with reading(replica, f"grievance:{CASE}", ticket="t-1") as reader:
        await reader.next()
        await replica.hear(moved())
        told = await reader.next()

    assert told
    assert told.event == "grievance_status"
    assert await refusal(replica, f"grievance:{CASE}", ticket="t-1") == "401 INVALID_TICKET"


async def test_nothing_else_opens_one(hall: Hall, replica: Replica) -> None:
    """An access token in the URL is refused: users exchanges tickets, and nothing else."""
    hall.played.lets("guest:1", CASE)
    room, token = f"grievance:{CASE}", replica.token()

    assert await refusal(replica, room) == "401 UNAUTHENTICATED"
    assert await refusal(replica, room, token="nonsense") == "401 INVALID_TOKEN"
    assert await refusal(replica, room, ticket=token) == "401 INVALID_TICKET"
    assert await refusal(replica, room, access_token=token) == "422 VALIDATION_ERROR"
    assert await refusal(replica, room, ticket="t-1", token=token) == "400 BAD_REQUEST"
    expired = replica.users.sign("guest:1", Role.GUEST, seconds=-1)
    assert await refusal(replica, room, token=expired) == "401 INVALID_TOKEN"
    assert len(replica.realtime) == 0


async def test_one_thing_that_is_not_yours_and_there_is_no_stream(
    hall: Hall, replica: Replica
) -> None:
    """Security row 38; the refusal is the one of what does not exist."""
    hall.played.lets("guest:1", CASE)
    token = replica.token()
    rooms = f"grievance:{CASE}", f"grievance:{OTHER_CASE}"

    assert await refusal(replica, *rooms, token=token) == "404 NOT_FOUND"
    for garbage in ("grievance", "grievance:", ":", "user:1", "grievance:..", "grievance:a/b"):
        assert await refusal(replica, garbage, token=token) == "422 VALIDATION_ERROR"
    assert await refusal(replica, token=token) == "422 VALIDATION_ERROR"
    assert await refusal(replica, *rooms * 51, token=token) == "422 VALIDATION_ERROR"
    assert len(replica.realtime) == 0


async def test_sockets_and_streams_of_a_caller_count_together(hall: Hall) -> None:
    replica = await hall.replica(limits=Limits(per_principal=1))
    hall.played.lets("guest:1", CASE)
    token = replica.token()
    async with reading(replica, f"grievance:{CASE}", token=token) as reader:
        await reader.next()
        found = await refusal(replica, f"grievance:{CASE}", token=token)

    assert found == "429 TOO_MANY_CONNECTIONS"
    await until(lambda: len(replica.realtime) == 0)


async def test_a_key_that_was_not_made_for_streams_opens_none(hall: Hall, replica: Replica) -> None:
    """Issue 4, API keys: what its scopes do not name, a key may not do."""
    token = replica.token("key:k-1", Role.API_CLIENT, scopes=["case:read", "events:read"])
    hall.played.lets("key:k-1", CASE)
    async with replica.http(token) as client:
        answer = await client.get(PATH, params={"subscribe": f"grievance:{CASE}"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")


async def test_an_api_key_opens_one_too(hall: Hall, replica: Replica) -> None:
    hall.played.key_token = replica.token("key:k-1", Role.API_CLIENT)
    hall.played.lets("key:k-1", CASE)
    async with reading(replica, f"grievance:{CASE}", token=KEY) as reader:
        told = await reader.next()

    assert told


async def test_owners_that_are_away_are_said_to_be_away(hall: Hall, replica: Replica) -> None:
    hall.played.is_away = True
    found = await refusal(replica, f"grievance:{CASE}", token=replica.token())

    assert found.startswith("503 ")


async def test_owners_that_hang_do_not_hold_the_caller(
    hall: Hall, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream may last; opening one may not."""
    monkeypatch.setattr(route, "OPEN_SECONDS", 0.2)
    hall.played.lets("guest:1", CASE)
    hall.played.gate.clear()
    found = await refusal(replica, f"grievance:{CASE}", token=replica.token())
    hall.played.gate.set()

    assert found == "504 DEADLINE_EXCEEDED"
    assert len(replica.realtime) == 0


async def test_a_quiet_stream_shows_that_it_lives(
    hall: Hall, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stream.__init__, "__kwdefaults__", {"heartbeat": 0.02})
    hall.played.lets("guest:1", CASE)
    async with reading(replica, f"grievance:{CASE}", token=replica.token()) as reader:
        await reader.next()
        waiting = asyncio.ensure_future(reader.next())
        await until(lambda: reader.comments >= 3)
        await replica.hear(moved())
        told = await waiting

    assert told
    assert told.event == "grievance_status"


async def test_leaving_tells_readers_to_come_again_elsewhere(hall: Hall, replica: Replica) -> None:
    """Reliability row 33: streams end by themselves, with what waited, within two seconds."""
    hall.played.lets("guest:1", CASE)
    async with reading(replica, f"grievance:{CASE}", token=replica.token()) as reader:
        await reader.next()
        async with asyncio.timeout(2):
            await replica.realtime.close()
            told, end = await reader.next(), await reader.next()

    assert told
    assert (told.event, end) == ("reconnect", None)
    assert (
        await refusal(replica, f"grievance:{CASE}", token=replica.token()) == "503 GATEWAY_LEAVING"
    )


async def test_a_stream_ends_with_its_token(hall: Hall, replica: Replica) -> None:
    hall.played.lets("guest:1", CASE)
    told = []
    async with reading(replica, f"grievance:{CASE}", token=replica.token(seconds=4)) as reader:
        while event := await reader.next():
            told.append(event.event)

    assert told[-1] == "session_expired"


async def test_a_stream_ends_with_its_session(hall: Hall, replica: Replica) -> None:
    hall.played.lets("guest:1", CASE)
    async with reading(replica, f"grievance:{CASE}", token=replica.token()) as reader:
        await reader.next()
        await replica.hear(SessionRevoked(principal_id="guest:1"))
        told, end = await reader.next(), await reader.next()

    assert told
    assert (told.event, end) == ("session_revoked", None)


async def test_a_reader_that_does_not_read_is_cut_off_and_holds_up_nobody(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded: what waits for it, and for how long."""
    monkeypatch.setattr(route, "SEND_SECONDS", 0.3)
    replica = await hall.replica(limits=Limits(backlog=20))
    hall.played.more_text = "x" * 200_000
    hall.played.lets("guest:1", TALK)
    hall.played.lets("guest:2", TALK)
    reader, writer = await asyncio.open_connection("127.0.0.1", replica.port, limit=1024)
    head = f"GET {PATH}?subscribe=conversation:{TALK} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
    writer.write((head + replica.token("guest:1") + "\r\n\r\n").encode())
    await reader.readuntil(b"subscribed")
    quick = await replica.connect(replica.token("guest:2"))
    await quick.subscribe("conversation", TALK)
    count = 0

    async def is_cut() -> bool:
        nonlocal count
        count += 1
        await replica.hear(MessageSent(conversation_id=TALK, message_id=f"m-{count}"))
        await until(lambda: len(quick.told("chat_message")) == count)
        return len(replica.realtime) == 1

    await until(is_cut, seconds=20)
    assert (len(replica.realtime), len(quick.told("chat_message"))) == (1, count)
    writer.transport.abort()
