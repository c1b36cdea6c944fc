"""Calls that go straight: short bodies, whole and once; and who would wait in vain."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from functools import partial

import pytest

from libs.common.clock import monotonic
from libs.common.testing.stage import until
from services.gateway.domain.queueing import Slots
from tests.contract.proxy.beside import BY_HAND, HELD, another_call, asked_by_hand
from tests.contract.proxy.conftest import OpenDoor
from tests.contract.proxy.door import KIB, Door
from tests.contract.proxy.messages import answer, chunk, read_answer
from tests.contract.proxy.upstream import Connection, Upstream
from tests.contract.proxy.wire import Wire

BYTES = "Content-Type: application/octet-stream"
AT_ONCE = 0.2
WRITES = ["in one", "in two", "byte by byte", "when told to", "told to, and in one"]


async def _send(door: Door, wire: Wire, how: str, body: bytes) -> None:
    expect = ["Expect: 100-continue"] if "told" in how else []
    head = door.head("POST", "/things/1", f"Content-Length: {len(body)}", BYTES, *expect)
    if how.endswith("in one"):
        await wire.send(head + body)
    elif how == "in two":
        await wire.send(head)
        await door.ask("GET", "/healthz")
        await wire.send(body)
    elif how == "byte by byte":
        for byte in head + body:
            await wire.send(bytes([byte]))
            await asyncio.sleep(0)
    else:
        await wire.send(head)
        assert await wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await wire.send(body)


@pytest.mark.parametrize("how", WRITES)
@pytest.mark.parametrize("size", [1, 100, 64 * KIB])
async def test_a_short_body_is_passed_on_once_however_it_comes(
    door: Door, upstream: Upstream, how: str, size: int
) -> None:
    """With its head it goes straight; in pieces it is gathered first."""
    if how == "byte by byte":
        size = min(size, 1000)
    body = bytes(itertools.islice(itertools.cycle(range(251)), size))
    async with another_call(door, upstream):
        wire = await door.connect()
        for _ in range(2):
            await _send(door, wire, how, body)
            got = await read_answer(wire)
            assert (got.status, got.body) == (200, b"POST /things/1")

    came = [request for request in upstream.requests if request.target == "/things/1"]
    assert [request.body for request in came] == [body, body]
    assert [request.value("content-length") for request in came] == [str(size)] * 2


@pytest.mark.parametrize("size", [KIB + 1, 60 * KIB])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_body_that_is_too_large_comes_with_its_head_for_nothing(
    door: Door, upstream: Upstream, size: int, framing: str
) -> None:
    body = b"x" * size
    line = f"Content-Length: {size}" if framing == "length" else "Transfer-Encoding: chunked"
    said = body if framing == "length" else chunk(body) + b"0\r\n\r\n"
    async with another_call(door, upstream):
        wire = await door.connect()
        await wire.send(door.head("POST", "/small", line, BYTES) + said)
        got = await read_answer(wire)
        assert (got.status, got.is_whole) == (413, True)
        if got.value("connection") == "close":
            assert await wire.gone() == "end"
        else:
            await wire.send(door.head("GET", "/things/2"))
            assert (await read_answer(wire)).body == b"GET /things/2"

    assert "/small" not in upstream.targets
    assert framing == "chunked" or "/small" not in {head.target for head in upstream.heads}


@pytest.mark.parametrize("how", ["close", "reset", "finish"])
async def test_half_a_short_body_is_not_passed_on(door: Door, upstream: Upstream, how: str) -> None:
    async with another_call(door, upstream):
        wire = await door.connect()
        await wire.send(door.head("POST", "/things/half", "Content-Length: 10", BYTES) + b"hello")
        getattr(wire, how)()
        if how == "finish":
            await wire.gone()
        assert (await door.ask("GET", "/things/2")).body == b"GET /things/2"

    assert "/things/half" not in {head.target for head in upstream.heads}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_leaves_a_call_that_went_straight_takes_it_along(
    door: Door, upstream: Upstream, method: str, how: str
) -> None:
    """Reliability row 40: upstream cancelled, on a kept connection and after a short body too."""
    lines, body = (["Content-Length: 2", BYTES], b"{}") if method == "POST" else ([], b"")
    async with another_call(door, upstream):
        wire = await door.connect()
        await wire.send(door.head(method, BY_HAND, *lines) + body)
        service = await asked_by_hand(upstream)
        getattr(wire, how)()
        await until(lambda: service.ended is not None, seconds=2)

    assert service.ended is not None


@pytest.fixture
async def standing(
    open_door: OpenDoor, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Door, asyncio.Event]]:
    """A door to a service that does one call at a time, before which a queue stands.

    The calls go on when the event is set.
    """
    made: list[Slots] = []
    shift = 0.0

    def slots(cap: int, *, queue: int) -> Slots:
        made.append(Slots(cap, queue=queue, clock=lambda: monotonic() + shift))
        return made[-1]

    gate = asyncio.Event()

    async def script(connection: Connection) -> None:
        while await connection.request():
            await gate.wait()
            await connection.send(answer(b"done"))

    monkeypatch.setattr("services.gateway.proxy.upstream.Slots", slots)
    door = await open_door(calls_per_peer=1)
    upstream.script = script
    asking = [asyncio.create_task(door.ask("GET", HELD))]
    await upstream.asked()
    for number, shift in enumerate([0.0, 0.25, 0.75], start=1):  # noqa: B007 - the clock's
        asking.append(asyncio.create_task(door.ask("GET", "/things")))
        waiting = partial(_waiting, made, number)
        await until(waiting, every=0.002)
    yield door, gate
    assert {got.status for got in await asyncio.gather(*asking)} <= {200, 503}


def _waiting(made: list[Slots], number: int) -> bool:
    return sum(each.waiting for each in made) == number


@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_who_would_wait_in_vain_is_refused_at_once_and_stays(
    standing: tuple[Door, asyncio.Event], body: bytes
) -> None:
    """Reliability row 36: 503 and Retry-After; then the same connection is served."""
    door, gate = standing
    lines = [f"Content-Length: {len(body)}", BYTES] if body else []
    request = door.head("POST" if body else "GET", "/things/1", *lines) + body
    wire = await door.connect()
    started = monotonic()
    for _ in range(3):
        await wire.send(request)
        got = await read_answer(wire)
        assert (got.status, got.code) == (503, "OVERLOADED")
        assert 1 <= int(got.value("retry-after") or 0) <= 3
        assert got.value("connection") != "close"
    assert monotonic() - started < AT_ONCE
    gate.set()
    while got.status != 200:  # until those before it were served
        assert got.code == "OVERLOADED"
        await wire.send(request)
        got = await read_answer(wire)
    assert got.body == b"done"
