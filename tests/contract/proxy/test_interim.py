"""What is said before the answer: 100, 103, and an answer before the end of the question."""

import asyncio

import pytest

from tests.contract.proxy.door import BODY_SECONDS, MIB, Door
from tests.contract.proxy.messages import answer, chunk, read_answer, read_head
from tests.contract.proxy.upstream import Connection, Upstream, saying

BYTES = "Content-Type: application/octet-stream"
CHUNKED = "Transfer-Encoding: chunked"
EXPECT = "Expect: 100-continue"
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Internal-A: 1\r\n"
HINTS = HINT + b"Set-Cookie: a=b\r\n\r\n"


@pytest.mark.parametrize("size", [10, 300_000])
async def test_who_asks_first_is_told_to_go_on_once(
    door: Door, upstream: Upstream, size: int
) -> None:
    """Issue 3, data path: Expect: 100-continue."""
    wire = await door.connect()
    await wire.send(door.head("POST", "/things", f"Content-Length: {size}", BYTES, EXPECT))
    assert await wire.until(b"\r\n\r\n", seconds=BODY_SECONDS) == b"HTTP/1.1 100 Continue\r\n\r\n"
    await wire.send(b"x" * size)
    got = await read_answer(wire)

    assert (got.status, got.interim) == (200, [])
    assert len((await upstream.asked()).body) == size


REFUSED = {
    "a stranger": (401, "/things", [f"Content-Length: {MIB}"], True),
    "nowhere": (404, "/nothing", [f"Content-Length: {MIB}"], False),
    "too large": (413, "/small", [f"Content-Length: {MIB}"], False),
    "a stranger, chunked": (401, "/things", [CHUNKED], True),
    "two codings": (400, "/things", ["Transfer-Encoding: gzip, chunked"], False),
}


@pytest.mark.parametrize("why", REFUSED)
async def test_who_asks_first_is_refused_without_being_told_to_go_on(
    door: Door, upstream: Upstream, why: str
) -> None:
    """Issue 3, data path: 100 only after admission."""
    status, path, lines, stranger = REFUSED[why]
    got = await door.say(door.head("POST", path, *lines, BYTES, EXPECT, stranger=stranger))

    assert (got.status, got.interim) == (status, [])
    assert got.value("connection") == "close"
    assert await door.wires[0].gone() == "end"
    assert upstream.heads == []


async def test_who_does_not_wait_for_the_go_ahead_is_heard_all_the_same(
    door: Door, upstream: Upstream
) -> None:
    head = door.head("POST", "/things", "Content-Length: 5", BYTES, EXPECT)
    got = await door.say(head + b"hello")

    assert got.status == 200
    assert len(got.interim) <= 1
    assert (await upstream.asked()).body == b"hello"


async def test_an_old_client_is_never_told_to_go_on(door: Door, upstream: Upstream) -> None:
    """RFC 9110 10.1.1: HTTP/1.0 knows no 1xx."""
    head = door.head("POST", "/things", "Content-Length: 5", BYTES, EXPECT, version="1.0")
    got = await door.say(head + b"hello")

    assert (got.status, got.interim) == (200, [])


async def test_a_go_ahead_of_the_service_stays_between_it_and_us(
    door: Door, upstream: Upstream
) -> None:
    """Issue 3, data path: 100 is swallowed."""
    upstream.script = saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 2 + answer(b"hello"))
    got = await door.ask("POST", "/things", BYTES, body=b"{}")

    assert (got.status, got.body, got.interim) == (200, b"hello", [])


@pytest.mark.parametrize("said_at_once", [True, False])
async def test_early_hints_are_passed_on_without_what_is_internal(
    door: Door, upstream: Upstream, *, said_at_once: bool
) -> None:
    """Issue 3, data path: 1xx."""
    seen = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        if said_at_once:
            await connection.send(HINTS + HINTS + answer(b"hello"))
            return
        await connection.send(HINTS)
        await seen.wait()
        await connection.send(HINTS + answer(b"hello"))

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("GET", "/things"))
    first = await read_head(wire)
    seen.set()
    got = await read_answer(wire)

    assert first
    assert [first.status, *(each.status for each in got.interim)] == [103, 103]
    for each in (first, *got.interim):
        assert each.value("link") == "</a.css>; rel=preload"
        assert not {"x-internal-a", "set-cookie", "content-length"} & each.names
    assert (got.status, got.body) == (200, b"hello")


async def test_an_old_client_gets_no_hints(door: Door, upstream: Upstream) -> None:
    upstream.script = saying(HINTS + answer(b"hello"))
    got = await door.say(door.head("GET", "/things", version="1.0"))

    assert (got.status, got.body, got.interim) == (200, b"hello", [])


@pytest.mark.parametrize("status", [413, 422, 401])
@pytest.mark.parametrize(
    ("line", "first", "more"),
    [
        (f"Content-Length: {64 * MIB}", b"x" * 100_000, b"x" * 100_000),
        (CHUNKED, chunk(b"x" * 100_000), chunk(b"x" * 100_000)),
    ],
)
async def test_an_answer_before_the_end_of_the_body_is_passed_on(
    door: Door, upstream: Upstream, status: int, line: str, first: bytes, more: bytes
) -> None:
    """Issue 3, data path: early answers end the connection, and can be read first."""

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(answer(b'{"no":1}', "Content-Type: application/json", status=status))

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("POST", "/large", line, BYTES) + first)
    sending = asyncio.create_task(wire.push(more, at_most=8 * MIB))
    got = await read_answer(wire)
    await sending

    assert (got.status, got.body, got.is_whole) == (status, b'{"no":1}', True)
    assert got.value("connection") == "close"
    await wire.gone(seconds=3)
    await upstream.connections[0].gone()
    assert (await door.ask("GET", "/things/2")).status == status
    assert len(upstream.connections) == 2
