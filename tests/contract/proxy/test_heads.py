"""Heads that are too much: too long, too many, too slow, and what stands behind them."""

import asyncio
import contextlib

import pytest

from libs.common.clock import monotonic
from tests.contract.proxy.conftest import OpenDoor
from tests.contract.proxy.door import KIB, MIB, Door
from tests.contract.proxy.messages import answer, read_answer
from tests.contract.proxy.upstream import Connection, Upstream

BYTES = "Content-Type: application/octet-stream"
HEAD_SECONDS = 0.3
SWEEP_SECONDS = 1.0
"""How much later than its time a quiet connection may be ended."""

TOO_MUCH = {
    "one header": ["/things", [f"X-A: {'a' * 128 * KIB}"]],
    "many headers": ["/things", [f"X-{number}: a" for number in range(5000)]],
    "many large headers": ["/things", [f"X-A: {'a' * 4000}"] * 40],
    "a token": ["/things", [f"X-API-Key: {'a' * 100 * KIB}"]],
    "a target": ["/things/" + "a" * 100 * KIB, []],
    "a longer target than any of ours": ["/things/" + "a" * 7000, []],
    "a query": ["/things?" + "a" * 9000, []],
}


@pytest.mark.parametrize("kind", TOO_MUCH)
async def test_a_head_that_is_too_much_is_refused(
    door: Door, upstream: Upstream, kind: str
) -> None:
    """http-13…15: and the connection is not read on."""
    target, lines = TOO_MUCH[kind]
    wire = await door.connect()
    sending = asyncio.create_task(wire.push(door.head("GET", str(target), *lines), at_most=1))
    got = await read_answer(wire)
    await sending

    assert got.status in {400, 414, 431}
    assert upstream.heads == []
    assert (await door.ask("GET", "/things/2")).status == 200


@pytest.mark.parametrize("piece", [b"a" * 16 * KIB, b"X-A: b\r\n" * 2 * KIB])
async def test_a_head_without_an_end_is_not_read_without_an_end(
    door: Door, upstream: Upstream, piece: bytes
) -> None:
    """reliability row 35: nobody fills our memory with a head."""
    wire = await door.connect(buffers=16 * KIB)
    await wire.send(b"GET /things HTTP/1.1\r\nHost: test\r\nX: ")
    sent = await wire.push(piece, at_most=16 * MIB)

    assert sent < 2 * MIB
    assert upstream.heads == []


@pytest.mark.parametrize("begun", [b"", b"G", b"GET /things HTTP/1.1\r\nHost: test\r\nX: "])
async def test_a_head_that_does_not_come_is_not_waited_for(
    open_door: OpenDoor, upstream: Upstream, begun: bytes
) -> None:
    """reliability row 35, slowloris: a byte now and then changes nothing."""
    door = await open_door(head_seconds=HEAD_SECONDS)
    wire = await door.connect()
    started = monotonic()
    ending = asyncio.create_task(wire.rest())
    try:
        await wire.send(begun)
        while not ending.done() and monotonic() - started < 4:
            await asyncio.sleep(0.05)
            await wire.send(b"a" if len(begun) > 1 else b"")
    except OSError:
        pass
    said = await ending

    assert said == b"" or said.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400"))
    assert HEAD_SECONDS * 0.9 < monotonic() - started < HEAD_SECONDS + SWEEP_SECONDS


async def test_a_quiet_connection_is_let_go(open_door: OpenDoor, upstream: Upstream) -> None:
    door = await open_door(keep_alive_seconds=0.3)
    wire = await door.connect()
    await wire.send(door.head("GET", "/things"))
    await read_answer(wire)
    started = monotonic()
    await wire.gone(seconds=3)

    assert wire.held == b""
    assert 0.25 < monotonic() - started < 0.3 + SWEEP_SECONDS


GARBAGE = [
    b"\x16\x03\x01\x00\xa5",
    b"GET /things HTTP/1.1\nHost: test\n\n",
    b"GET /things HTTP/1.1\r\nHost : test\r\n\r\n",
    b"X" * 200_000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("size", [5, 300_000])
async def test_garbage_behind_a_question_does_not_spoil_its_answer(
    door: Door, upstream: Upstream, garbage: bytes, size: int
) -> None:
    """The refusal of what came later never stands in the middle of an answer."""
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        said = answer(b"x" * size)
        await connection.send(said[:-4])
        await go_on.wait()
        await connection.send(said[-4:])

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("GET", "/large"))
    await upstream.asked()
    sending = asyncio.create_task(wire.push(garbage, at_most=len(garbage)))
    await asyncio.sleep(0.05)
    go_on.set()
    got = await read_answer(wire)
    await sending
    rest = await wire.rest()

    assert (got.status, got.body, got.is_whole) == (200, b"x" * size, True)
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400")
    assert upstream.targets == ["/large"]


REFUSED = {
    "our own": ("/healthz", 405, False, []),
    "nowhere": ("/nothing", 404, False, []),
    "too large": ("/small", 413, False, ["X-Pad: a"]),
    "a type nobody reads": ("/open", 415, False, ["Content-Type: text/plain"]),
    "a stranger": ("/things", 401, True, []),
    "another host": ("/things", 400, False, ["Host: evil"]),
    "two keys": ("/things", 400, False, ["Idempotency-Key: a", "Idempotency-Key: b"]),
}


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("at_once", [True, False])
async def test_the_body_of_what_was_refused_is_no_request(
    door: Door, upstream: Upstream, why: str, *, at_once: bool
) -> None:
    """reliability row 22: whoever answered, and whether the body came before that or after."""
    path, status, stranger, lines = REFUSED[why]
    body = door.head("GET", "/things/smuggled") * 8
    if why != "a type nobody reads":
        lines = [*lines, BYTES]
    cut = len(body) if at_once else len(body) // 2
    wire = await door.connect()
    head = door.head("POST", path, f"Content-Length: {len(body)}", *lines, stranger=stranger)
    await wire.send(head + body[:cut])
    got = await read_answer(wire)
    with contextlib.suppress(OSError):
        await wire.send(body[cut:] + door.head("GET", "/things/mine", "Connection: close"))
    rest = await wire.rest()

    assert got.status == status
    assert rest.count(b"HTTP/1.1 ") <= 1
    assert set(upstream.targets) <= {"/things/mine"}


async def test_what_waited_behind_somebody_who_left_is_not_done(
    door: Door, upstream: Upstream
) -> None:
    """Issue 3, data path: cancelled clients; of a row of writes only the first was begun."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.gone(seconds=4)

    upstream.script = script
    write = b"".join(
        door.head("POST", f"/things/{number}", "Content-Length: 2", BYTES) + b"{}"
        for number in range(3)
    )
    wire = await door.connect()
    await wire.send(write)
    await upstream.asked()
    wire.reset()
    await upstream.connections[0].gone()
    await door.ask("GET", "/healthz")

    assert upstream.targets == ["/things/0"]
