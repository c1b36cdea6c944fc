"""Services that are away, slow, or stop in the middle."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.types import Receive, Send

from libs.common.clock import monotonic
from libs.common.testing.stage import until
from tests.service.gateway.conftest import (
    MIB,
    NOWHERE,
    Asked,
    Door,
    OpenDoor,
    Upstream,
    agree,
    begin,
    go_on,
    say,
)

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """A server that says byte for byte what `script` writes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def test_a_service_that_is_away_is_said_to_be(open_door: OpenDoor) -> None:
    door = await open_door(at={"grievance": NOWHERE})
    async with door.client() as client:
        answers = [await client.get("/things"), await client.post("/things", json={})]

    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.json()["error"]["code"] == "UPSTREAM_UNAVAILABLE"


async def test_a_service_that_comes_back_is_asked_again(
    open_door: OpenDoor, upstream: Upstream
) -> None:
    door = await open_door()

    async def die(_: Asked, __: Receive, send: Send) -> None:
        send.__self__.transport.abort()  # type: ignore[attr-defined]

    upstream.play = die
    async with door.client() as client:
        assert (await client.post("/things", json={})).status_code == 503
        assert len(upstream.asked) == 1  # a write is sent once
        assert (await client.get("/things")).status_code == 503
        assert len(upstream.asked) == 3  # a read is tried again, once
        upstream.play = agree
        assert (await client.post("/things", json={})).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_service_that_is_slow_is_not_waited_for(
    door: Door, upstream: Upstream, method: str
) -> None:
    """design.md 5.3: a deadline, and half a second."""
    seen: list[str] = []

    async def play(asked: Asked, receive: Receive, send: Send) -> None:
        while "http.disconnect" not in seen:
            seen.append((await receive())["type"])

    upstream.play = play
    started = monotonic()
    async with door.client() as client:
        answer = await client.request(method, "/quick", json={} if method == "POST" else None)

    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "DEADLINE_EXCEEDED")
    assert 0.5 <= monotonic() - started < 1.0
    await until(lambda: seen[-1] == "http.disconnect", seconds=2)


async def test_a_service_that_says_its_head_and_then_nothing_is_not_waited_for(
    door: Door, upstream: Upstream
) -> None:
    is_over = asyncio.Event()

    async def play(_: Asked, __: Receive, send: Send) -> None:
        await begin(send, {"Content-Length": "10"})
        await go_on(send, b"1234")
        await is_over.wait()

    upstream.play = play
    started = monotonic()
    async with door.client() as client:
        answer = await client.get("/quick")
    took = monotonic() - started
    is_over.set()

    assert answer.status_code == 504
    assert took < 1.0


async def test_a_service_that_does_not_take_the_connection_is_not_waited_for(
    open_door: OpenDoor,
) -> None:
    """A backlog that is full lets nobody in and nobody know."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        door = await open_door(at={"grievance": f"http://127.0.0.1:{address[1]}"})
        started = monotonic()
        async with door.client() as client:
            answer = await client.get("/quick")
        for filler in fillers:
            filler.close()

    assert answer.status_code in {503, 504}
    assert monotonic() - started < 1.5


@pytest.mark.parametrize("head", ["content-length: 200000", "transfer-encoding: chunked"])
async def test_an_answer_that_breaks_off_breaks_off_visibly(open_door: OpenDoor, head: str) -> None:
    """The client must not take half an answer for a whole one."""
    piece = bytes(100_000)
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n" if "chunked" in head else piece

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + chunk)
        await writer.drain()

    async with scripted(script) as url:
        door = await open_door(at={"grievance": url})
        answer = await door.raw(door.head("GET", "/things"))

    assert answer.status == 200
    assert 0 < len(answer.body) < 200_000
    assert not answer.body.endswith(b"0\r\n\r\n")


async def test_a_short_answer_that_breaks_off_is_not_begun(open_door: OpenDoor) -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n1234")

    async with scripted(script) as url:
        door = await open_door(at={"grievance": url})
        async with door.client() as client:
            answer = await client.get("/things")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UPSTREAM_UNAVAILABLE")


async def test_an_answer_that_pauses_for_too_long_is_cut(
    open_door: OpenDoor, upstream: Upstream
) -> None:
    door = await open_door(idle_seconds=0.3)
    is_over = asyncio.Event()

    async def play(_: Asked, __: Receive, send: Send) -> None:
        await begin(send)
        await go_on(send, b"first")
        await is_over.wait()

    upstream.play = play
    answer = await door.raw(door.head("GET", "/things"), seconds=3)
    is_over.set()

    assert answer.status == 200
    assert b"first" in answer.body
    assert not answer.body.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000 + b"\r\n\r\n",
        b"",
    ],
)
async def test_nonsense_from_a_service_is_not_passed_on(open_door: OpenDoor, said: bytes) -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    async with scripted(script) as url:
        door = await open_door(at={"grievance": url})
        async with door.client() as client:
            answer = await client.get("/things")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UPSTREAM_UNAVAILABLE")


async def test_what_a_service_refuses_is_the_clients_to_read(
    door: Door, upstream: Upstream
) -> None:
    async def play(_: Asked, __: Receive, send: Send) -> None:
        await say(send, b'{"status":"error"}', status=503, headers={"Retry-After": "7"})

    upstream.play = play
    async with door.client() as client:
        answer = await client.get("/things")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.json() == {"status": "error"}


async def test_after_a_refused_upload_the_next_call_is_answered(
    door: Door, upstream: Upstream
) -> None:
    async with door.client() as client:
        for _ in range(3):
            refused = await client.post(
                "/small", content=bytes(MIB), headers={"Content-Type": "application/json"}
            )
            answered = await client.post("/things", json={})
            assert (refused.status_code, answered.status_code) == (413, 200)
