"""Connections that stay: many requests, each answered by its own answer."""

import asyncio

import pytest

from tests.contract.proxy.door import Door
from tests.contract.proxy.messages import Message, answer, read_answer
from tests.contract.proxy.upstream import Connection, Upstream, saying

BYTES = "Content-Type: application/octet-stream"


async def test_both_sides_are_kept_open(door: Door, upstream: Upstream) -> None:
    """Issue 3, data path: keep-alive reuse on both sides."""
    wire = await door.connect()
    for number in range(5):
        await wire.send(door.head("POST", f"/things/{number}", "Content-Length: 2", BYTES) + b"{}")
        assert (await read_answer(wire)).body == f"POST /things/{number}".encode()

    assert len(upstream.connections) == 1


async def test_who_says_goodbye_is_let_go_and_the_service_is_not(
    door: Door, upstream: Upstream
) -> None:
    """`Connection: close` is between a client and us."""
    for number in range(3):
        got = await door.ask("GET", f"/things/{number}", "Connection: close")
        assert got.body == f"GET /things/{number}".encode()
        assert (await door.wires[-1].gone()) == "end"

    assert len(upstream.connections) == 1
    assert b"close" not in upstream.seen.lower()


GOODBYES = [
    answer(b"hello", "Connection: close"),
    answer(b"hello", "connection: Keep-Alive, Close"),
    answer(b"hello").replace(b"HTTP/1.1", b"HTTP/1.0"),
]


@pytest.mark.parametrize("said", GOODBYES)
async def test_a_service_that_says_goodbye_is_not_asked_again_there(
    door: Door, upstream: Upstream, said: bytes
) -> None:
    """The client's connection stays all the same."""
    upstream.script = saying(said)
    wire = await door.connect()
    for _ in range(3):
        await wire.send(door.head("GET", "/things"))
        got = await read_answer(wire)
        assert got.body == b"hello"
        assert got.value("connection") in {None, "keep-alive"}

    assert [len(each.requests) for each in upstream.connections] == [1, 1, 1]
    assert await upstream.connections[0].gone() == "end"


async def _slow_first(connection: Connection) -> None:
    while request := await connection.request():
        if request.target == "/things/0":
            await asyncio.sleep(0.1)
        await connection.send(answer(request.target.encode()))


@pytest.mark.parametrize("size", [0, 10, 100_000])
async def test_requests_sent_in_a_row_are_answered_in_order(
    door: Door, upstream: Upstream, size: int
) -> None:
    """Issue 3, data path: pipelined, the slow one first, with and without bodies between."""
    upstream.script = _slow_first
    row = b""
    for number in range(8):
        length = [f"Content-Length: {size}", BYTES] if size else []
        row += door.head("POST" if size else "GET", f"/things/{number}", *length) + b"x" * size
    wire = await door.connect()
    sending = asyncio.create_task(wire.send(row))
    answers = [await read_answer(wire) for _ in range(8)]
    await sending

    assert [each.body for each in answers] == [f"/things/{n}".encode() for n in range(8)]
    assert [len(request.body) for request in upstream.requests] == [size] * 8
    assert wire.held == b""


async def test_a_row_of_all_kinds_is_answered_in_order(door: Door, upstream: Upstream) -> None:
    """Ours, refused, with a head only, chunked: none overtakes another."""
    wire = await door.connect()
    chunked = door.head("POST", "/things/3", "Transfer-Encoding: chunked", BYTES)
    await wire.send(
        door.head("GET", "/things/0")
        + door.head("GET", "/nothing")
        + door.head("HEAD", "/things/1")
        + door.head("GET", "/healthz")
        + chunked
        + b"5\r\nhello\r\n0\r\n\r\n"
        + door.head("GET", "/things/4", "Connection: close")
    )
    methods = ["GET", "GET", "HEAD", "GET", "POST", "GET"]
    answers: list[Message] = [await read_answer(wire, method) for method in methods]

    assert [each.status for each in answers] == [200, 404, 200, 200, 200, 200]
    bodies = [answers[at].body for at in (0, 4, 5)]
    assert bodies == [b"GET /things/0", b"POST /things/3", b"GET /things/4"]
    assert await wire.gone() == "end"


async def test_nothing_is_answered_after_a_goodbye(door: Door, upstream: Upstream) -> None:
    """What follows a request that ends the connection is not one."""
    row = door.head("GET", "/things/0", "Connection: close") + door.head("GET", "/things/1")
    wire = await door.connect()
    await wire.send(row)

    assert (await read_answer(wire)).body == b"GET /things/0"
    assert await wire.rest() == b""
    assert upstream.targets == ["/things/0"]


async def test_fifty_clients_at_once_get_each_their_own(door: Door, upstream: Upstream) -> None:
    async def one(number: int) -> bool:
        got = await door.ask("PUT", f"/things/{number}", BYTES, body=b"x" * number * 100)
        return got.body == f"PUT /things/{number}".encode()

    assert all(await asyncio.gather(*(one(number) for number in range(50))))
    assert all(len(each.body) == int(each.target[8:]) * 100 for each in upstream.requests)


async def test_an_answer_not_read_to_its_end_is_not_the_next_ones_beginning(
    door: Door, upstream: Upstream
) -> None:
    """A client that goes in the middle leaves nothing behind for the next."""
    half = answer(b"x" * 400_000)[:200_000]
    upstream.scripts = [saying(half)]
    wire = await door.connect()
    await wire.send(door.head("GET", "/things/left"))
    await wire.skip(100_000)
    wire.reset()

    assert (await door.ask("GET", "/things/2")).body == b"GET /things/2"
