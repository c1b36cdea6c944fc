"""Bytes pass as they come: nothing waits for the last one, and nobody's memory fills."""

import asyncio

import pytest

from libs.common.clock import monotonic
from libs.common.testing.stage import until
from tests.contract.proxy.door import MIB, QUICK_SECONDS, Door
from tests.contract.proxy.messages import LAST, answer, chunk, read_answer, read_head
from tests.contract.proxy.upstream import Connection, Upstream

BYTES = "Content-Type: application/octet-stream"
CHUNKED = "Transfer-Encoding: chunked"
EVENTS = "Content-Type: text/event-stream"
BUFFERS = 64 * 1024
HELD = 16 * MIB
"""The kernel's buffers on the gateway's own two sockets at their largest, and what it holds."""


async def _head_only(connection: Connection) -> None:
    await connection.head()


@pytest.mark.parametrize(
    ("lines", "first", "last"),
    [
        ([f"Content-Length: {MIB}"], b"x" * 100_000, b"x" * (MIB - 100_000)),
        ([CHUNKED], chunk(b"hello"), chunk(b"world") + LAST),
        ([CHUNKED], chunk(b"x" * 100_000), chunk(b"x" * 100_000) + LAST),
    ],
)
async def test_the_beginning_of_an_upload_arrives_before_its_end_is_sent(
    door: Door, upstream: Upstream, lines: list[str], first: bytes, last: bytes
) -> None:
    """Issue 3, data path: streaming up."""

    async def script(connection: Connection) -> None:
        request = await connection.head()
        assert request
        await connection.body(request)
        await connection.send(answer(b"thanks"))

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("POST", "/large", BYTES, *lines) + first)
    await upstream.begun()
    letter, count = (b"l", 2) if b"hello" in first else (b"x", 99_000)
    await until(lambda: upstream.seen.rpartition(b"\r\n\r\n")[2].count(letter) >= count)
    await wire.send(last)

    assert (await read_answer(wire)).body == b"thanks"


@pytest.mark.parametrize(
    ("head", "first", "last"),
    [
        (f"Content-Length: {MIB}", b"x" * 100_000, b"x" * (MIB - 100_000)),
        (CHUNKED, chunk(b"hello"), chunk(b"world") + LAST),
        (CHUNKED, chunk(b"x" * 100_000), chunk(b"x" * 100_000) + LAST),
        ("X-End: told by the connection", b"hello", b"world"),
    ],
)
async def test_the_beginning_of_an_answer_arrives_before_its_end_is_sent(
    door: Door, upstream: Upstream, head: str, first: bytes, last: bytes
) -> None:
    """Issue 3, data path: streaming down."""
    seen = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer(b"", head, length=False) + first)
        await seen.wait()
        await connection.send(last)
        connection.close()

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("GET", "/large"))
    await read_head(wire)
    expected = b"hello" if b"hello" in first else b"x" * 20_000
    async with asyncio.timeout(2):
        while expected not in wire.held:
            assert await wire.fill()
    seen.set()
    rest = await wire.until(b"world" if b"hello" in first else b"x" * 90_000)
    assert rest


async def test_both_directions_stream_at_once(door: Door, upstream: Upstream) -> None:
    """An upload whose answer begins while it comes: each piece is answered before the next."""

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(answer(b"", CHUNKED, length=False))
        while (line := await connection.until(b"\r\n")) != b"0\r\n":
            data = await connection.exactly(int(line, 16) + 2)
            await connection.send(chunk(data[:-2].upper()))
        await connection.until(b"\r\n")
        await connection.send(LAST)

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("POST", "/large", CHUNKED, BYTES))
    await wire.send(chunk(b"one"))
    assert b"200" in await wire.until(b"\r\n\r\n")
    assert b"ONE" in await wire.until(b"ONE\r\n")
    await wire.send(chunk(b"two"))
    assert b"TWO" in await wire.until(b"TWO\r\n")
    await wire.send(LAST)
    assert (await wire.until(LAST)).endswith(LAST)


async def test_an_event_stream_passes_event_by_event_and_outlives_the_deadline(
    door: Door, upstream: Upstream
) -> None:
    """Issue 3, data path: SSE pass-through; the deadline is for the beginning of the answer."""
    go_on = asyncio.Queue[bytes]()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer(b"", EVENTS, CHUNKED, length=False))
        while event := await go_on.get():
            await connection.send(chunk(event))

    upstream.script = script
    wire = await door.connect()
    started = monotonic()
    await wire.send(door.head("GET", "/events", "Accept: text/event-stream", "Last-Event-ID: 41"))
    head = await read_head(wire)
    assert head
    assert (head.status, head.value("content-type")) == (200, "text/event-stream")
    assert "content-length" not in head.names
    number = 0
    while monotonic() - started < QUICK_SECONDS + 0.4:
        number += 1
        go_on.put_nowait(f"id: {number}\ndata: {{}}\n\n".encode())
        assert await wire.until(f"id: {number}\ndata: {{}}\n\n".encode(), seconds=0.5)
        await asyncio.sleep(0.05)
    assert upstream.requests[0].value("last-event-id") == "41"


async def test_who_does_not_read_is_not_read_for(door: Door, upstream: Upstream) -> None:
    """A slow reader costs a few buffers, not the answer."""
    said = -1

    async def script(connection: Connection) -> None:
        nonlocal said
        await connection.request()
        await connection.send(answer(b"", f"Content-Length: {200 * MIB}", length=False))
        said = await connection.push(bytes(64 * 1024), at_most=200 * MIB)

    upstream.script = script
    wire = await door.connect(buffers=BUFFERS)
    await wire.send(door.head("GET", "/large"))
    await until(lambda: said >= 0)

    assert 0 < said < HELD


async def test_what_a_service_does_not_read_is_not_taken(door: Door, upstream: Upstream) -> None:
    """The same the other way round."""
    upstream.script = _head_only
    wire = await door.connect(buffers=BUFFERS)
    await wire.send(door.head("POST", "/large", f"Content-Length: {200 * MIB}", BYTES))
    taken = await wire.push(bytes(64 * 1024), at_most=200 * MIB)

    assert 0 < taken < HELD


async def test_a_slow_reader_gets_everything_in_the_end(door: Door, upstream: Upstream) -> None:
    """Pausing loses nothing."""
    body = b"".join(f"{number:015d}\n".encode() for number in range(MIB // 4))

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer(body))

    upstream.script = script
    wire = await door.connect(buffers=BUFFERS)
    await wire.send(door.head("GET", "/large"))
    await wire.until(b"\r\n\r\n")
    await asyncio.sleep(0.2)
    is_whole = await wire.exactly(len(body)) == body  # compared here: nobody reads such a diff

    assert is_whole
