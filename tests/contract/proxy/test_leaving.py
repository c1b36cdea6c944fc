"""Clients that go: those who only fall silent are answered, those who left take the call along."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from libs.common.clock import monotonic
from libs.common.testing.stage import until
from tests.contract.proxy.door import MIB, Door, open_gateway
from tests.contract.proxy.messages import answer, chunk, read_answer
from tests.contract.proxy.upstream import Connection, Script, Upstream, echo, silent

BYTES = "Content-Type: application/octet-stream"
CHUNKED = "Transfer-Encoding: chunked"
WAYS = ["close", "reset"]


def after(seconds: float, said: bytes) -> Script:
    """Answer every request after a while."""

    async def script(connection: Connection) -> None:
        while await connection.request():
            await asyncio.sleep(seconds)
            await connection.send(said)

    return script


@pytest.mark.parametrize(
    ("size", "seconds"), [(0, 0.0), (10, 0.0), (100_000, 0.0), (0, 0.9), (100_000, 0.9)]
)
async def test_who_falls_silent_after_the_question_still_gets_the_answer(
    door: Door, upstream: Upstream, size: int, seconds: float
) -> None:
    """Issue 3, data path: half-close; answers that come within a second."""
    upstream.script = after(seconds, answer(b"x" * 200_000))
    length = [f"Content-Length: {size}", BYTES] if size else []
    wire = await door.connect()
    await wire.send(door.head("POST" if size else "GET", "/things", *length) + b"x" * size)
    wire.finish()
    got = await read_answer(wire)

    assert (got.status, len(got.body), got.is_whole) == (200, 200_000, True)
    assert len((await upstream.asked()).body) == size
    assert await wire.gone() == "end"


async def test_a_row_of_questions_before_the_silence_is_answered_whole(
    door: Door, upstream: Upstream
) -> None:
    wire = await door.connect()
    await wire.send(b"".join(door.head("GET", f"/things/{number}") for number in range(3)))
    wire.finish()
    bodies = [(await read_answer(wire)).body for _ in range(3)]

    assert bodies == [f"GET /things/{number}".encode() for number in range(3)]


async def test_who_falls_silent_gets_a_refusal_too(door: Door, upstream: Upstream) -> None:
    wire = await door.connect()
    await wire.send(door.head("GET", "/things", stranger=True))
    wire.finish()

    assert (await read_answer(wire)).status == 401


@pytest.mark.parametrize("line", ["Content-Length: 200000", CHUNKED, "Content-Length: 100"])
async def test_who_falls_silent_inside_a_body_has_asked_nothing(
    door: Door, upstream: Upstream, line: str
) -> None:
    """Half a body never looks whole to a service."""
    wire = await door.connect()
    first = chunk(b"x" * 90) if line == CHUNKED else b"x" * 90
    await wire.send(door.head("POST", "/large", line, BYTES) + first)
    wire.finish()
    await wire.gone()

    assert upstream.requests == []
    await until(lambda: all(each.ended for each in upstream.connections), seconds=2)


async def test_who_falls_silent_inside_a_head_is_let_go(door: Door, upstream: Upstream) -> None:
    wire = await door.connect()
    await wire.send(door.head("GET", "/things")[:-2])
    wire.finish()
    await wire.gone()

    assert upstream.heads == []


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_who_leaves_while_waiting_takes_the_call_along(
    door: Door, upstream: Upstream, how: str, body: bytes
) -> None:
    """Issue 3, data path: cancelled clients; reliability row 40: upstream cancelled."""
    upstream.script = silent
    lines = [f"Content-Length: {len(body)}", BYTES] if body else []
    wire = await door.connect()
    await wire.send(door.head("POST" if body else "GET", "/large", *lines) + body)
    await upstream.asked()
    getattr(wire, how)()

    await upstream.connections[0].gone(seconds=2)
    assert len(upstream.connections) == 1


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("line", [f"Content-Length: {8 * MIB}", CHUNKED])
@pytest.mark.parametrize("is_read", [True, False])
async def test_who_leaves_while_sending_takes_the_call_along(
    door: Door, upstream: Upstream, how: str, line: str, *, is_read: bool
) -> None:
    """Whether the service is reading just now or not."""

    async def script(connection: Connection) -> None:
        await connection.head()
        if is_read:
            await connection.gone()

    upstream.script = script
    piece = b"x" * 100_000
    wire = await door.connect()
    await wire.send(door.head("POST", "/large", line, BYTES))
    await wire.send(chunk(piece) if line == CHUNKED else piece)
    await upstream.begun()
    getattr(wire, how)()

    if is_read:
        await until(lambda: upstream.connections[0].ended, seconds=2)
    else:
        await upstream.connections[0].gone(seconds=2)
    assert upstream.requests == []
    assert not upstream.seen.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("is_busy", [True, False])
async def test_who_leaves_while_reading_takes_the_call_along(
    door: Door, upstream: Upstream, how: str, *, is_busy: bool
) -> None:
    """While the answer flows, and while it pauses."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer(b"", CHUNKED, length=False) + chunk(b"hello"))
        with contextlib.suppress(OSError, TimeoutError):
            while is_busy:
                await connection.send(chunk(b"x" * 64_000))
        connection.ended = connection.ended or await connection.gone(seconds=4)

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("GET", "/large"))
    await wire.until(b"hello")
    left = monotonic()
    getattr(wire, how)()

    await until(lambda: upstream.connections[0].ended, seconds=4)
    assert monotonic() - left < 2
    upstream.script = echo
    assert (await door.ask("GET", "/things/2")).body == b"GET /things/2"


async def test_a_service_that_does_not_read_does_not_hold_the_door_open(
    tmp_path: Path, upstream: Upstream
) -> None:
    """reliability row 33: the gateway ends though an upload is stuck in it."""

    async def script(connection: Connection) -> None:
        await connection.head()

    upstream.script = script
    opened = open_gateway(tmp_path, upstream.port)
    door = Door.at(await opened.__aenter__(), tmp_path)
    wire = await door.connect(buffers=64 * 1024)
    await wire.send(door.head("PUT", "/large", f"Content-Length: {64 * MIB}", BYTES))
    pushed = await wire.push(bytes(64 * 1024), at_most=64 * MIB)
    door.close()
    ending = monotonic()
    async with asyncio.timeout(2):
        await opened.__aexit__(None, None, None)

    assert 0 < pushed < 64 * MIB
    assert monotonic() - ending < 2
