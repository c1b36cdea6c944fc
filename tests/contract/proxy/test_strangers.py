"""Bodies of strangers: not read, and the refusal is theirs to read all the same."""

import asyncio
from pathlib import Path

import pytest

from libs.common.clock import monotonic
from tests.contract.proxy.door import KIB, MIB, Door
from tests.contract.proxy.messages import Message, chunk, read_answer
from tests.contract.proxy.upstream import Upstream, silent

BYTES = "Content-Type: application/octet-stream"
CHUNKED = "Transfer-Encoding: chunked"
ENDLESS = {
    "ten gigabytes": (f"Content-Length: {10 * 1024 * MIB}", bytes(16 * KIB)),
    "chunks without end": (CHUNKED, chunk(bytes(16 * KIB))),
    "one chunk without end": (CHUNKED, bytes(16 * KIB)),
}
KEY = f"X-API-Key: rdr_live_00000000_{'A' * 40}"
AT_ONCE = 0.4
READ = 64 * KIB
READ_OF_THE_KNOWN = 256 * KIB
SMALL_BUFFERS = 16 * KIB
LOOKING = 0.2
QUEUES = Path("/proc/self/net/tcp")


@pytest.mark.parametrize("kind", ENDLESS)
async def test_a_stranger_is_refused_before_anything_is_sent(
    door: Door, upstream: Upstream, kind: str
) -> None:
    """Issue 3, must show 5; reliability row 34: 401 at once."""
    line, _ = ENDLESS[kind]
    started = monotonic()
    got = await door.say(door.head("POST", "/large", line, BYTES, stranger=True))

    assert (got.status, got.code) == (401, "UNAUTHENTICATED")
    assert got.value("connection") == "close"
    assert monotonic() - started < AT_ONCE
    assert upstream.connections == []


@pytest.mark.skipif(not QUEUES.exists(), reason="reads the kernel's queues from /proc")
@pytest.mark.parametrize("kind", ENDLESS)
async def test_of_what_a_stranger_sends_next_to_nothing_is_read(door: Door, kind: str) -> None:
    """reliability goal 8: under 64 KB; the rest of what was sent lies in the kernel's queues."""
    line, piece = ENDLESS[kind]
    wire = await door.connect(buffers=SMALL_BUFFERS)
    head = door.head("POST", "/large", line, BYTES, stranger=True)
    first = b"7fffffff\r\n" if kind.startswith("one") else b""
    await wire.send(head + first)
    sent = len(head + first) + await wire.push(piece, at_most=64 * MIB, patience=0.1)
    read = sent - wire.unheard()

    assert read < READ


@pytest.mark.skipif(not QUEUES.exists(), reason="reads the kernel's queues from /proc")
@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("is_told_first", [True, False])
async def test_of_what_a_stranger_sends_behind_one_who_is_known_little_is_read(
    door: Door, upstream: Upstream, kind: str, *, is_told_first: bool
) -> None:
    """reliability goal 8: one read of a connection that was believed a moment ago."""
    line, piece = ENDLESS[kind]
    wire = await door.connect()
    await wire.send(door.head("GET", "/things"))
    assert (await read_answer(wire)).status == 200
    head = door.head("POST", "/large", line, BYTES, stranger=True)
    first = b"7fffffff\r\n" if kind.startswith("one") else b""
    await wire.send(head + first)
    got = await read_answer(wire) if is_told_first else None
    pushed = await wire.push(piece * 64, at_most=64 * MIB, patience=0.1)
    read = len(head + first) + pushed - wire.unheard()

    assert read < READ_OF_THE_KNOWN
    got = got or await read_answer(wire)
    assert (got.status, got.value("connection")) == (401, "close")
    assert upstream.targets == ["/things"]


@pytest.mark.skipif(not QUEUES.exists(), reason="reads the kernel's queues from /proc")
@pytest.mark.parametrize("kind", ENDLESS)
async def test_next_to_nothing_is_read_while_it_is_asked_whose_key_this_is(
    door: Door, upstream: Upstream, kind: str
) -> None:
    """reliability goal 8: a stranger is one until users has said who it is, and users is slow."""
    upstream.script = silent
    line, piece = ENDLESS[kind]
    wire = await door.connect(buffers=SMALL_BUFFERS)
    head = door.head("POST", "/large", line, BYTES, KEY, stranger=True)
    first = b"7fffffff\r\n" if kind.startswith("one") else b""
    await wire.send(head + first)
    await upstream.asked()
    sent = len(head + first) + await wire.push(piece, at_most=64 * MIB, patience=0.1)
    read = sent - wire.unheard()

    assert read < READ
    assert wire.held == b""


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("is_known", [True, False])
async def test_a_refusal_is_read_by_who_keeps_sending(
    door: Door, kind: str, *, is_known: bool
) -> None:
    """Issue 3, data path: no reset before the client had a moment to look; then the end."""
    line, piece = ENDLESS[kind]
    path, status = ("/small", 413) if is_known else ("/large", 401)
    wire = await door.connect(buffers=SMALL_BUFFERS)
    first = b"7fffffff\r\n" if kind.startswith("one") else b""
    await wire.send(door.head("POST", path, line, BYTES, stranger=not is_known) + first)
    sending = asyncio.create_task(wire.push(piece, at_most=64 * MIB))
    got: Message = await read_answer(wire)
    await asyncio.sleep(LOOKING)
    assert not wire.is_refused
    assert (got.status, got.is_whole, got.value("connection")) == (status, True, "close")
    assert got.code
    await sending
    await wire.gone(seconds=3)


async def test_who_sends_first_and_looks_later_still_reads_the_refusal(door: Door) -> None:
    """A whole body that fits between us, and then a look."""
    body = bytes(48 * KIB)
    line = f"Content-Length: {len(body)}"
    wire = await door.connect()
    await wire.send(door.head("POST", "/large", line, BYTES, stranger=True) + body)
    got = await read_answer(wire)

    assert (got.status, got.is_whole) == (401, True)
    if got.value("connection") != "close":
        await wire.send(door.head("GET", "/things", "Connection: close"))
        assert (await read_answer(wire)).status == 200
    assert await wire.gone() == "end"


REFUSED = {
    "no token": ([], 401),
    "a bad token": (["Authorization: Bearer a.b.c"], 401),
    "two tokens": (["Authorization: Bearer a", "Authorization: Bearer b"], 401),
    "a password": (["Authorization: Basic YTpi"], 401),
}


@pytest.mark.parametrize("why", REFUSED)
async def test_every_kind_of_stranger_is_one(door: Door, upstream: Upstream, why: str) -> None:
    lines, status = REFUSED[why]
    head = door.head("POST", "/large", CHUNKED, BYTES, *lines, stranger=True)
    got = await door.say(head + chunk(b"hello"))

    assert (got.status, got.value("connection")) == (status, "close")
    assert got.value("www-authenticate")
    assert upstream.connections == []


async def test_what_follows_a_refused_body_is_no_request(door: Door, upstream: Upstream) -> None:
    """The body nobody read is not mistaken for the next request."""
    body = door.head("GET", "/things/smuggled")
    line = f"Content-Length: {len(body)}"
    wire = await door.connect()
    head = door.head("POST", "/large", line, BYTES, stranger=True)
    await wire.send(head + body + door.head("GET", "/things/mine", "Connection: close"))
    got = await read_answer(wire)
    rest = await wire.rest()

    assert got.status == 401
    assert rest.count(b"HTTP/1.1 ") <= 1
    assert set(upstream.targets) <= {"/things/mine"}
