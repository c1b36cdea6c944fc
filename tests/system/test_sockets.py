"""npm's socket.io-client, both transports, against two gateways (must show 2).

The package is looked for in the user's cache, never fetched:
`npm install --prefix ~/.cache/redress/npm socket.io-client@4.8.4`.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

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

SCRIPT = Path(__file__).with_name("socket_client.mjs")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "redress" / "npm"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (CACHE / "node_modules" / "socket.io-client").is_dir(),
    reason="needs node, and socket.io-client in the user's cache",
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


@transports
async def test_a_page_without_a_token_is_refused_with_a_reason(hall: Hall, transport: str) -> None:
    replica = await hall.replica()
    for auth in ({}, {"token": "nonsense"}):
        opened = await page(replica, transport, auth)
        refusal = await opened.has_said("refused")

        assert refusal["message"]
        assert refusal["data"]["code"] in {"UNAUTHENTICATED", "INVALID_TOKEN"}
        assert opened.said("connect") == []


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
