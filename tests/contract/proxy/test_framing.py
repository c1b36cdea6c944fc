"""Where a message ends: told once on each side, and the same on both."""

import asyncio

import pytest

from tests.contract.proxy.door import Door
from tests.contract.proxy.messages import LAST, answer, chunk, read_answer
from tests.contract.proxy.upstream import Connection, Upstream, saying

BYTES = "Content-Type: application/octet-stream"
CHUNKED = "Transfer-Encoding: chunked"
SIZES = [1, 65_536, 65_537, 1_000_000]


@pytest.mark.parametrize("size", SIZES)
async def test_a_counted_body_arrives_counted_and_whole(
    door: Door, upstream: Upstream, size: int
) -> None:
    """Issue 3, data path: framing."""
    body = bytes(range(251)) * (size // 251 + 1)
    got = await door.ask("POST", "/things", BYTES, body=body[:size])

    request = await upstream.asked()
    assert (got.status, request.framing) == (200, "length")
    assert request.body == body[:size]


@pytest.mark.parametrize("size", [0, *SIZES])
@pytest.mark.parametrize("piece", [1000, 100_000])
async def test_a_chunked_body_arrives_whole_and_framed_once(
    door: Door, upstream: Upstream, size: int, piece: int
) -> None:
    """reliability row 22: the gateway re-frames."""
    body = bytes(range(251)) * (size // 251 + 1)
    chunks = [chunk(body[at : at + piece]) for at in range(0, size, piece)]
    whole = body[: len(chunks) * piece] if chunks else b""
    got = await door.say(door.head("POST", "/things", CHUNKED, BYTES) + b"".join(chunks) + LAST)

    request = await upstream.asked()
    assert got.status == 200
    assert request.body == whole
    assert request.framing in {"chunked", "length"} or not whole


async def test_chunks_lose_their_extensions_on_the_way_in(door: Door, upstream: Upstream) -> None:
    """What one reader skips another may read."""
    body = b'5;a=b;c="d"\r\nhello\r\n00006\r\n world\r\n0;e=f\r\n\r\n'
    got = await door.say(door.head("POST", "/things", CHUNKED, BYTES) + body)

    assert got.status == 200
    assert (await upstream.asked()).body == b"hello world"
    assert b"a=b" not in upstream.seen
    assert b"e=f" not in upstream.seen


ANSWERS = {
    "counted": (answer(b"hello world"), b"hello world"),
    "empty": (answer(), b""),
    "chunked": (
        answer(b"", CHUNKED, length=False) + b"5;a=b\r\nhello\r\n0006\r\n world\r\n0;c\r\n\r\n",
        b"hello world",
    ),
    "chunked, empty": (answer(b"", CHUNKED, length=False) + LAST, b""),
    "large": (answer(b"x" * 300_000), b"x" * 300_000),
    "large, chunked": (
        answer(b"", CHUNKED, length=False) + chunk(b"x" * 299_999) + chunk(b"x") + LAST,
        b"x" * 300_000,
    ),
}


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_answer_comes_back_whole_and_framed_once(
    door: Door, upstream: Upstream, kind: str, *, at_once: bool
) -> None:
    """Issue 3, data path: chunked answers are re-framed; the connection is good for the next."""
    said, body = ANSWERS[kind]

    async def script(connection: Connection) -> None:
        while await connection.request():
            for piece in [said] if at_once else [said[:20], said[20:70], said[70:]]:
                await connection.send(piece)
                await asyncio.sleep(0)

    upstream.script = script
    wire = await door.connect()
    for _ in range(2):
        await wire.send(door.head("GET", "/things"))
        got = await read_answer(wire)
        assert (got.status, got.body, got.is_whole) == (200, body, True)
        assert got.framing in {"length", "chunked"}
    assert wire.held == b""
    assert b"a=b" not in wire.seen


@pytest.mark.parametrize("size", [0, 11, 300_000])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_an_answer_that_ends_with_its_connection_ends_properly(
    door: Door, upstream: Upstream, size: int, version: str
) -> None:
    """Issue 3, data path: close-delimited answers."""
    said = f"HTTP/{version} 200 OK\r\nContent-Type: text/plain\r\n\r\n".encode() + b"x" * size
    upstream.script = saying(said, then="close")
    wire = await door.connect()
    for _ in range(2):
        await wire.send(door.head("GET", "/things"))
        got = await read_answer(wire)
        assert (got.status, len(got.body), got.is_whole) == (200, size, True)
        assert got.framing in {"length", "chunked"}
    assert len(upstream.connections) == 2


@pytest.mark.parametrize("kind", ANSWERS)
async def test_an_old_client_gets_what_it_can_read(
    door: Door, upstream: Upstream, kind: str
) -> None:
    """RFC 9112 6.1: nothing is chunked for HTTP/1.0; its end is the connection's."""
    said, body = ANSWERS[kind]
    upstream.script = saying(said)
    got = await door.say(door.head("GET", "/things", version="1.0"))

    assert "transfer-encoding" not in got.names
    assert (got.status, got.body, got.is_whole) == (200, body, True)
    assert (await door.wires[0].gone()) == "end"


async def test_an_old_client_may_ask_to_stay(door: Door, upstream: Upstream) -> None:
    """Kept open only if both said so and the end is told."""
    wire = await door.connect()
    await wire.send(door.head("GET", "/things", "Connection: keep-alive", version="1.0"))
    got = await read_answer(wire)

    assert got.body == b"GET /things"
    if (got.value("connection") or "").lower() == "keep-alive":
        assert got.framing == "length"
        await wire.send(door.head("GET", "/things/2", version="1.0"))
        assert (await read_answer(wire)).body == b"GET /things/2"
    assert (await wire.gone()) == "end"


async def test_an_old_client_with_a_body_is_heard(door: Door, upstream: Upstream) -> None:
    head = door.head("POST", "/things", "Content-Length: 5", BYTES, version="1.0")
    got = await door.say(head + b"hello")

    assert got.status == 200
    assert (await upstream.asked()).body == b"hello"
    assert upstream.requests[0].start.endswith("HTTP/1.1")


async def test_a_body_that_a_read_carries_is_no_second_request(
    door: Door, upstream: Upstream
) -> None:
    """A GET may have a body; whether it goes on or not, it stays one."""
    body = b"GET /things/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    wire = await door.connect()
    await wire.send(door.head("GET", "/things", f"Content-Length: {len(body)}", BYTES) + body)
    first = await read_answer(wire)
    if first.status == 200:
        await wire.send(door.head("GET", "/things/2"))
        assert (await read_answer(wire)).body == b"GET /things/2"

    assert set(upstream.targets) <= {"/things", "/things/2"}
