"""Real time as people have it: npm's socket.io-client, and one case followed through the door.

The package is looked for in the user's cache, never fetched; who lacks it reads in the reason why
these were skipped how to install it.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import socketio  # type: ignore[import-untyped]

from libs.common.bus.factory import open_bus
from libs.common.contracts.grievance import GrievanceStatusChanged
from libs.common.contracts.users import SessionRevoked
from libs.common.events import Envelope
from libs.common.testing.stage import unique, until
from tests.service.gateway.realtime_host import (
    CASE,
    OTHER_CASE,
    Hall,
    Replica,
    hall_at,
    message_of,
)
from tests.system.conftest import Start, System, settled

STREAM = "/api/v1/events/stream"
TEXT = "There has been no water in ward 5 for three days."
SCRIPT = Path(__file__).with_name("socket_client.mjs")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "redress" / "npm"
NODE = shutil.which("node")

npm = pytest.mark.skipif(
    NODE is None or not (CACHE / "node_modules" / "socket.io-client").is_dir(),
    reason=f"needs node, and: npm install --prefix {CACHE} socket.io-client@4.8.4",
)
transports = pytest.mark.parametrize("transport", ["websocket", "polling", "polling,websocket"])


@dataclass
class Page:
    """A client in a process of its own."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    async def at(cls, url: str, transport: str, auth: Any) -> "Page":
        process = await asyncio.create_subprocess_exec(
            NODE or "node", SCRIPT, url, transport, CACHE, json.dumps(auth),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(process)

    async def read(self) -> None:
        """Take in what it says, until it ends."""
        assert self.process.stdout
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["is"] == kind]

    def told(self, event: str) -> list[Any]:
        return [line["data"] for line in self.said("event") if line["event"] == event]

    async def has_said(self, kind: str, *, times: int = 1) -> dict[str, Any]:
        await until(lambda: len(self.said(kind)) >= times, seconds=20)
        return self.said(kind)[times - 1]

    async def ask(self, event: str, *given: Any) -> dict[str, Any]:
        assert self.process.stdin
        number = len(self.lines)
        line = {"number": number, "event": event, "given": given}
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        found: list[dict[str, Any]] = []

        def answered() -> bool:
            found[:] = [each for each in self.said("answer") if each["number"] == number]
            return bool(found)

        await until(answered, seconds=20)
        answer: dict[str, Any] = found[0]["answer"]
        return answer


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with hall_at(tmp_path) as opened:
        yield opened


async def page(replica: Replica, transport: str, auth: Any) -> Page:
    """Open a page; it is closed with the replicas."""
    opened = await Page.at(replica.url, transport, auth)
    reading = asyncio.create_task(opened.read())

    async def close() -> None:
        opened.process.kill()
        await opened.process.wait()
        await reading

    replica.stack.push_async_callback(close)
    return opened


def moved(grievance_id: str) -> GrievanceStatusChanged:
    return GrievanceStatusChanged(
        grievance_id=grievance_id, from_status="pending", to_status="acknowledged",
        action="acknowledge", level=1,
    )  # fmt: skip


@npm
@transports
async def test_a_page_on_each_replica_hears_of_its_own_and_of_nothing_else(
    hall: Hall, tmp_path: Path, transport: str
) -> None:
    """S1-08…11: connect, subscribe, be told; whatever transport, whatever replica."""
    url = os.environ.get("TEST_BUS_URL") or f"embedded://{tmp_path / 'bus.db'}"
    bus = open_bus(url, name="gateway", prefix=unique("npm"))
    await bus.start()
    hall.stack.push_async_callback(bus.close)
    replicas = [await hall.replica(bus=bus) for _ in range(2)]
    hall.played.lets("guest:1", CASE)
    hall.played.lets("guest:2", OTHER_CASE)
    token = {"token": replicas[0].token("guest:1")}
    mine = [await page(replica, transport, token) for replica in replicas]
    theirs = await page(replicas[1], transport, {"token": replicas[1].token("guest:2")})
    for opened in [*mine, theirs]:
        await opened.has_said("connect")
    answers = [await each.ask("subscribe", "grievance", CASE) for each in mine]
    refusals = [
        await theirs.ask("subscribe", "grievance", CASE),
        await theirs.ask("subscribe", {"kind": "grievance", "id": [CASE]}),
        await theirs.ask("join", f"grievance:{CASE}"),
    ]
    await theirs.ask("subscribe", "grievance", OTHER_CASE)
    for case in (CASE, OTHER_CASE):
        await bus.publish([message_of(Envelope.of(moved(case), source="test"))])

    for opened in [*mine, theirs]:
        await opened.has_said("event")
    assert [answer["status"] for answer in answers] == ["success", "success"]
    codes = [refusal["error"]["code"] for refusal in refusals]
    assert codes == ["NOT_FOUND", "VALIDATION_ERROR", "UNKNOWN_EVENT"]
    for opened, case in ((mine[0], CASE), (mine[1], CASE), (theirs, OTHER_CASE)):
        [data] = opened.told("grievance_status")
        assert (data["grievance_id"], data["to"]) == (case, "acknowledged")
    if "," in transport:
        assert (await mine[0].has_said("upgrade"))["transport"] == "websocket"


@npm
@transports
async def test_a_page_without_a_token_is_refused_with_a_reason(hall: Hall, transport: str) -> None:
    replica = await hall.replica()
    for auth in ({}, {"token": "nonsense"}):
        opened = await page(replica, transport, auth)
        refusal = await opened.has_said("refused")

        assert refusal["message"]
        assert refusal["data"]["code"] in {"UNAUTHENTICATED", "INVALID_TOKEN"}
        assert opened.said("connect") == []


@npm
@transports
async def test_a_page_is_told_to_come_back_and_does(hall: Hall, transport: str) -> None:
    """Reliability row 33: 1012 or CLOSE is no goodbye; the client tries again by itself."""
    replica = await hall.replica()
    opened = await page(replica, transport, {"token": replica.token()})
    await opened.has_said("connect")
    if "," in transport:
        await opened.has_said("upgrade")
    await replica.realtime.close()

    lost = await opened.has_said("disconnect")
    await opened.has_said("reconnecting")
    assert lost["reason"] in {"transport close", "transport error"}
    if "websocket" in transport:
        assert lost["code"] == 1012


@npm
@transports
async def test_a_page_whose_session_was_revoked_does_not_come_back(
    hall: Hall, transport: str
) -> None:
    replica = await hall.replica()
    opened = await page(replica, transport, {"token": replica.token()})
    await opened.has_said("connect")
    await replica.hear(SessionRevoked(principal_id="guest:1"))

    lost = await opened.has_said("disconnect")
    assert opened.told("session_revoked") == [{"code": "SESSION_REVOKED"}]
    assert lost["reason"] == "io server disconnect"
    assert opened.said("reconnecting") == []


async def test_a_citizen_follows_a_case_as_it_happens(start: Start) -> None:
    """S1-08…11, S4-24: through the door, all six services, socket and stream side by side."""
    system = await start()
    guest, stranger = await system.guest(), await system.guest()
    case, conversation = await filed_and_said(guest)
    async with connected(system, guest) as mine, connected(system, stranger) as theirs:
        answers = [
            await client.call("subscribe", (kind, name), timeout=10)
            for client in (mine, theirs)
            for kind, name in (("grievance", case), ("conversation", conversation))
        ]
        async with streaming(system, guest, case) as lines:
            await line_with(lines, "subscribed")
            await acknowledge(system, case)
            await line_with(lines, "grievance_status")
        body = {"text": "Hello", "conversation_id": conversation}
        await guest.post("/api/v1/chat/messages", json=body)
        wanted = {"classification_complete", "grievance_status", "chat_message"}
        await until(lambda: wanted <= {event for event, _ in mine.told}, seconds=20)

    assert [answer["status"] for answer in answers] == ["success", "success", "error", "error"]
    [status] = mine.of("grievance_status")
    assert (status["grievance_id"], status["to"]) == (case, "acknowledged")
    assert "Hello" in [data["message"]["text"] for data in mine.of("chat_message")]
    read = mine.of("classification_complete")[-1]
    assert (read["grievance_id"], read["categories"]) == (case, ["WATER_SOURCE"])
    assert read["summary"]
    assert theirs.told == []


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_system_that_stops_sends_its_listeners_away(start: Start, transport: str) -> None:
    """Reliability row 33: nobody who only listens holds it up."""
    system = await start()
    guest = await system.guest()
    case, _ = await filed_and_said(guest)
    async with (
        connected(system, guest, transport) as mine,
        streaming(system, guest, case) as lines,
    ):
        await line_with(lines, "subscribed")
        async with asyncio.timeout(10):
            code = await system.stop()
        await line_with(lines, "reconnect")
        await until(lambda: not mine.connected)

    assert code == 0


async def filed_and_said(guest: httpx2.AsyncClient) -> tuple[str, str]:
    """A case, and a conversation."""
    filed = await guest.post("/api/v1/grievances", json={"description": TEXT})
    talk = await guest.post("/api/v1/chat/messages", json={"text": "Namaste"})
    return filed.json()["data"]["grievance_id"], talk.json()["data"]["conversation_id"]


async def acknowledge(system: System, case: str) -> None:
    """An officer says what a case is about, and takes it up."""
    officer = await system.staff("grc_member", "9812345678")
    path = f"/api/v1/grievances/{case}"
    await settled(lambda: _is_read(officer, path))
    for method, suffix, body in (
        ("PUT", "", {"categories": ["WATER_SOURCE"]}),
        ("POST", "/actions", {"action": "acknowledge"}),
    ):
        headers = {"If-Match": (await officer.get(path)).headers["ETag"]}
        answer = await officer.request(method, path + suffix, json=body, headers=headers)
        assert answer.status_code == 200, answer.text


async def _is_read(officer: httpx2.AsyncClient, path: str) -> bool:
    """Whether the engine has read a case: until then it would be changed under the officer."""
    data = (await officer.get(path)).json()["data"]
    return bool(data["classification_status"] != "pending")


async def line_with(lines: AsyncIterator[str], text: str) -> None:
    """Read until a line of the stream holds `text`."""
    async with asyncio.timeout(20):
        line = await anext(lines)
        while text not in line:
            line = await anext(lines)


class Listening(socketio.AsyncClient):  # type: ignore[misc]
    """A socket, and what it is told."""

    def __init__(self) -> None:
        super().__init__(reconnection=False)
        self.told: list[tuple[str, Any]] = []
        self.on("*", self.hear)

    async def hear(self, event: str, data: Any = None) -> None:
        self.told.append((event, data))

    def of(self, wanted: str) -> list[Any]:
        return [data for event, data in self.told if event == wanted]


@asynccontextmanager
async def connected(
    system: System, who: httpx2.AsyncClient, transport: str = "websocket"
) -> AsyncIterator[Listening]:
    """A socket of somebody who holds a token."""
    client, auth = Listening(), {"token": who.headers["Authorization"]}
    await client.connect(system.url, auth=auth, transports=[transport])
    try:
        yield client
    finally:
        await client.shutdown()


@asynccontextmanager
async def streaming(
    system: System, who: httpx2.AsyncClient, case: str
) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of a stream that is opened with a ticket, as a browser's EventSource would."""
    ticket = (await who.post("/api/v1/auth/ticket")).json()["data"]["ticket"]
    params = {"ticket": ticket, "subscribe": f"grievance:{case}"}
    async with system.client().stream("GET", STREAM, params=params) as stream:
        assert stream.status_code == 200
        yield stream.aiter_lines()
