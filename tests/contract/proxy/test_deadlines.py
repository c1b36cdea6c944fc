"""Nobody waits past a deadline: the client gets 504 or 408, the service is let go."""

import asyncio
import socket

import pytest

from libs.common.clock import monotonic
from libs.common.testing.stage import until
from tests.contract.proxy.conftest import OpenDoor
from tests.contract.proxy.door import BODY_SECONDS, MIB, QUICK_SECONDS, Door
from tests.contract.proxy.messages import LAST, answer, chunk, read_answer
from tests.contract.proxy.upstream import Connection, Upstream, silent

BYTES = "Content-Type: application/octet-stream"
CHUNKED = "Transfer-Encoding: chunked"
SLACK = 0.5
BIG = b"x" * 100_000


def _in_time(started: float, deadline: float = QUICK_SECONDS) -> bool:
    return deadline * 0.9 <= monotonic() - started < deadline + SLACK


@pytest.mark.parametrize("body", [None, b"{}", BIG])
async def test_a_service_that_never_answers_is_not_waited_for(
    door: Door, upstream: Upstream, body: bytes | None
) -> None:
    """reliability row 40: 504 with the request's id within deadline + 0.5 s; upstream cancelled."""
    upstream.script = silent
    started = monotonic()
    method = "GET" if body is None else "POST"
    got = await door.ask(method, "/quick", BYTES, body=body or b"")

    assert (got.status, got.code) == (504, "DEADLINE_EXCEEDED")
    assert _in_time(started)
    assert got.value("content-type") == "application/json"
    await upstream.connections[0].gone(seconds=1)
    assert float(upstream.requests[0].value("x-deadline") or "nan") <= QUICK_SECONDS


async def test_a_late_answer_is_nobodys(door: Door, upstream: Upstream) -> None:
    """The connection that owes an answer is not used again; the client's stays."""

    async def late(connection: Connection) -> None:
        await connection.request()
        await asyncio.sleep(QUICK_SECONDS + SLACK)
        await connection.send(answer(b"late"))

    upstream.scripts = [late]
    wire = await door.connect()
    await wire.send(door.head("GET", "/quick"))
    assert (await read_answer(wire)).status == 504
    await wire.send(door.head("GET", "/things/2"))

    assert (await read_answer(wire)).body == b"GET /things/2"


DRIPS = {
    "its head": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: " + b"a" * 200 + b"\r\n\r\nhello",
    "interim answers": b"HTTP/1.1 102 Processing\r\n\r\n" * 20,
    "its body": answer(b"x" * 200),
}


@pytest.mark.parametrize("what", DRIPS)
async def test_a_service_that_drips_is_not_waited_for_longer(
    door: Door, upstream: Upstream, what: str
) -> None:
    """reliability 0.7: the deadline is for the whole, not for each read."""

    async def script(connection: Connection) -> None:
        await connection.request()
        said = DRIPS[what]
        first = said.find(b"\r\n\r\n") + 4 if what == "its body" else 0
        await connection.send(said[:first])
        for at in range(first, len(said), 5):
            await connection.send(said[at : at + 5])
            await asyncio.sleep(0.05)

    upstream.script = script
    started = monotonic()
    got = await door.ask("GET", "/quick")

    assert (got.status, got.code) == (504, "DEADLINE_EXCEEDED")
    assert _in_time(started)
    await until(lambda: upstream.connections[0].ended, seconds=2)


async def test_a_service_that_does_not_take_the_body_is_not_waited_for(
    door: Door, upstream: Upstream
) -> None:
    """Stuck in the middle of an upload: the deadline counts there too."""

    async def script(connection: Connection) -> None:
        await connection.head()

    upstream.script = script
    wire = await door.connect(buffers=64 * 1024)
    started = monotonic()
    await wire.send(door.head("POST", "/quick", f"Content-Length: {4 * MIB}", BYTES))
    sending = asyncio.create_task(wire.push(bytes(64 * 1024), at_most=4 * MIB))
    got = await read_answer(wire)
    await sending

    assert got.status in {503, 504}
    assert monotonic() - started < QUICK_SECONDS + SLACK
    await upstream.connections[0].gone()


async def test_a_service_that_does_not_take_the_connection_is_not_waited_for(
    door: Door, upstream: Upstream
) -> None:
    """A backlog that is full lets nobody in and nobody know."""
    upstream.stop_accepting()
    fillers = [socket.socket() for _ in range(upstream.backlog + 4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", upstream.port))
    started = monotonic()
    got = await door.ask("GET", "/quick")
    took = monotonic() - started
    for filler in fillers:
        filler.close()

    assert got.status in {503, 504}
    assert got.code
    assert took < QUICK_SECONDS + SLACK


STALLS = {
    "small": ("Content-Length: 100", b"{", "/things"),
    "large": (f"Content-Length: {MIB}", BIG, "/things"),
    "chunked": (CHUNKED, chunk(b"hello"), "/things"),
    "chunked, in a chunk": (CHUNKED, b"ff\r\nhello", "/things"),
    "chunked, in a size": (CHUNKED, chunk(b"hello") + b"f", "/things"),
    "chunked, before the end": (CHUNKED, chunk(b"hello") + LAST[:3], "/things"),
    "nothing of it": ("Content-Length: 100", b"", "/things"),
    "where nobody is asked": ("Content-Length: 100", b"{", "/open"),
}


@pytest.mark.parametrize("kind", STALLS)
async def test_a_body_that_stalls_is_not_waited_for(
    door: Door, upstream: Upstream, kind: str
) -> None:
    """reliability row 35, http-21: 408 and close; the service never sees it whole."""
    line, first, path = STALLS[kind]
    wire = await door.connect()
    started = monotonic()
    await wire.send(door.head("POST", path, line, BYTES) + first)
    got = await read_answer(wire)

    assert (got.status, got.code) == (408, "REQUEST_TIMEOUT")
    assert got.value("connection") == "close"
    assert _in_time(started, BODY_SECONDS)
    await wire.gone()
    assert upstream.requests == []
    for connection in upstream.connections:
        if not connection.ended:
            await until(lambda: all(each.ended for each in upstream.connections), seconds=1)


@pytest.mark.parametrize("line", ["Content-Length: 1000", "Content-Length: 300000", CHUNKED])
async def test_a_body_that_drips_does_not_outlive_its_deadline(
    door: Door, upstream: Upstream, line: str
) -> None:
    """A byte now and then is not progress."""
    wire = await door.connect()
    started = monotonic()
    await wire.send(door.head("POST", "/quick", line, BYTES))
    reading = asyncio.create_task(read_answer(wire))
    while not reading.done():
        await wire.send(b"1\r\nx\r\n" if line == CHUNKED else b"x")
        await asyncio.sleep(0.05)
    got = await reading

    assert got.status == 408
    assert monotonic() - started < QUICK_SECONDS + SLACK
    assert upstream.requests == []


@pytest.mark.parametrize("head", [f"Content-Length: {MIB}", CHUNKED])
async def test_an_answer_that_pauses_for_too_long_is_cut(
    open_door: OpenDoor, upstream: Upstream, head: str
) -> None:
    """A stream may take its time, not all of it: half an answer never looks whole."""
    door = await open_door(idle_seconds=0.3)

    async def script(connection: Connection) -> None:
        await connection.request()
        piece = chunk(BIG) if head == CHUNKED else BIG
        await connection.send(answer(b"", head, length=False) + piece)

    upstream.script = script
    wire = await door.connect()
    started = monotonic()
    await wire.send(door.head("GET", "/large"))
    await wire.gone(seconds=2)

    assert wire.seen.startswith(b"HTTP/1.1 200")
    assert not wire.seen.endswith(LAST)
    assert monotonic() - started < 1.0
    await upstream.connections[0].gone(seconds=1)


async def test_a_client_that_never_reads_is_not_waited_for(
    open_door: OpenDoor, upstream: Upstream
) -> None:
    """reliability row 35, the reading side."""
    door = await open_door(idle_seconds=0.3)
    said = 0

    async def script(connection: Connection) -> None:
        nonlocal said
        await connection.request()
        await connection.send(answer(b"", f"Content-Length: {200 * MIB}", length=False))
        said = await connection.push(bytes(64 * 1024), at_most=200 * MIB)

    upstream.script = script
    wire = await door.connect(buffers=64 * 1024)
    await wire.send(door.head("GET", "/large"))
    await upstream.asked()
    started = monotonic()
    await upstream.connections[0].gone(seconds=3)

    assert 0.2 < monotonic() - started < 3
    await until(lambda: said)
    assert said < 200 * MIB


async def test_other_calls_are_answered_meanwhile(door: Door, upstream: Upstream) -> None:
    """Twenty that hang hold up nobody."""
    upstream.scripts = [silent] * 20
    hanging = [asyncio.create_task(door.ask("GET", "/quick")) for _ in range(20)]
    await upstream.asked(20)
    assert (await door.ask("GET", "/things/2")).body == b"GET /things/2"
    assert not any(each.done() for each in hanging)
    assert {got.status for got in await asyncio.gather(*hanging)} == {504}
