"""Bytes on their way through: both ways, as they come, never collected."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.types import Receive, Send

from libs.common.testing.stage import until
from tests.service.gateway.conftest import (
    MIB,
    Asked,
    Door,
    Upstream,
    agree,
    begin,
    go_on,
    read_all,
    say,
)

BYTES = {"Content-Type": "application/octet-stream"}
PIECE = bytes(range(256)) * 256
SOCKETS_HOLD = 24 * MIB
"""Two pairs of kernel buffers, at their largest, and what the programs hold between them."""


async def test_a_request_arrives_as_it_was_sent(door: Door, upstream: Upstream) -> None:
    async with door.client() as client:
        answer = await client.post("/things/?a=1&b=%20", json={"x": "y"})

    [asked] = upstream.asked
    assert (asked.scope["method"], asked.target) == ("POST", "/things?a=1&b=%20")
    assert asked.body == b'{"x":"y"}'
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["content-length"] == "9"
    assert answer.json() == {"status": "success"}
    assert answer.headers["content-length"] == "20"


async def test_the_first_chunk_of_an_answer_arrives_before_the_last_is_sent(
    door: Door, upstream: Upstream
) -> None:
    """design.md 4: the gateway streams."""
    seen = asyncio.Event()

    async def play(_: Asked, __: Receive, send: Send) -> None:
        await begin(send)
        await go_on(send, b"first")
        await seen.wait()
        await go_on(send, b"last", more=False)

    upstream.play = play
    async with door.client() as client, client.stream("GET", "/things") as answer:
        chunks = answer.aiter_raw()
        async with asyncio.timeout(5):
            assert await anext(chunks) == b"first"
        seen.set()
        assert await anext(chunks) == b"last"


async def test_the_first_chunk_of_an_upload_arrives_before_the_last_is_sent(
    door: Door, upstream: Upstream
) -> None:
    seen = asyncio.Event()

    async def play(asked: Asked, receive: Receive, send: Send) -> None:
        asked.body += (await receive())["body"]
        seen.set()
        await read_all(asked, receive)
        await say(send)

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        async with asyncio.timeout(5):
            await seen.wait()
        yield b"last"

    upstream.play = play
    async with door.client() as client:
        answer = await client.post("/things", content=body(), headers=BYTES)

    assert answer.status_code == 200
    assert upstream.asked[0].body == b"firstlast"


@pytest.mark.parametrize("is_counted", [True, False])
async def test_ten_megabytes_go_up_and_come_down_whole(
    door: Door, upstream: Upstream, *, is_counted: bool
) -> None:
    sent = PIECE * (10 * MIB // len(PIECE))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(sent), len(PIECE)):
            yield sent[start : start + len(PIECE)]

    async def play(asked: Asked, receive: Receive, send: Send) -> None:
        await read_all(asked, receive)
        await begin(send, {"Content-Length": str(len(asked.body))} if is_counted else {})
        async for piece in pieces():
            await go_on(send, piece)
        await go_on(send, b"", more=False)

    upstream.play = play
    length = {"Content-Length": str(len(sent))} if is_counted else {}
    async with door.client() as client:
        answer = await client.post("/things", content=pieces(), headers={**BYTES, **length})

    digests = [hashlib.sha256(each).digest() for each in (upstream.asked[0].body, answer.content)]
    assert digests == [hashlib.sha256(sent).digest()] * 2
    assert ("content-length" in upstream.asked[0].headers) is is_counted
    assert ("content-length" in answer.headers) is is_counted


async def test_who_does_not_read_is_not_read_for(door: Door, upstream: Upstream) -> None:
    """A slow client costs the gateway a few buffers, not the answer."""
    said = 0

    async def play(_asked: Asked, _receive: Receive, send: Send) -> None:
        nonlocal said
        await begin(send)
        for _ in range(200 * MIB // len(PIECE)):
            await go_on(send, PIECE)
            said += len(PIECE)

    upstream.play = play
    async with door.socket() as (_, writer):
        writer.write(door.head("GET", "/things"))
        await until(lambda: said > 0)
        last = -1
        while said != last:
            last = said
            await asyncio.sleep(0.2)

    assert MIB / 2 < said < SOCKETS_HOLD


async def test_what_a_service_does_not_read_is_not_taken(door: Door, upstream: Upstream) -> None:
    is_over = asyncio.Event()

    async def play(_: Asked, __: Receive, ___: Send) -> None:
        await is_over.wait()

    upstream.play = play
    taken = 0
    async with door.socket() as (_, writer):
        length = f"Content-Length: {60 * MIB}"
        writer.write(door.head("POST", "/things", length, "Content-Type: application/octet-stream"))
        try:
            while taken < 60 * MIB:
                writer.write(PIECE)
                async with asyncio.timeout(0.5):
                    await writer.drain()
                taken += len(PIECE)
        except TimeoutError:
            is_over.set()

    assert MIB / 2 < taken < SOCKETS_HOLD


async def test_head_is_answered_wherever_get_is(door: Door, upstream: Upstream) -> None:
    async def play(asked: Asked, _: Receive, send: Send) -> None:
        await say(send, b"x" * MIB, headers={"ETag": '"7"'})

    upstream.play = play
    request = door.head("HEAD", "/things/1")
    answer = await door.raw(request + door.head("HEAD", "/things/1", "Connection: close"))

    first, second = answer.text.split(b"\r\n\r\n")[:2]
    for each in (first, second):
        assert each.startswith(b"HTTP/1.1 200")
        assert b"content-length: 1048576" in each
        assert b'etag: "7"' in each
    assert answer.text.count(b"\r\n\r\n") == 2
    assert answer.text.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_stays_without_one(
    door: Door, upstream: Upstream, status: int
) -> None:
    async def play(_: Asked, __: Receive, send: Send) -> None:
        head = [(b"etag", b'"7"')]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body"})

    upstream.play = play
    first = door.head("GET", "/things/1", 'If-None-Match: "7"')
    answer = await door.raw(first + door.head("GET", "/things/1", "Connection: close"))

    heads = answer.text.split(b"\r\n\r\n")
    assert [head[:12] for head in heads] == [f"HTTP/1.1 {status}".encode()] * 2 + [b""]
    assert b"transfer-encoding" not in answer.text
    assert upstream.asked[0].headers["if-none-match"] == '"7"'


async def test_a_compressed_answer_is_not_unpacked_and_a_redirect_not_followed(
    door: Door, upstream: Upstream
) -> None:
    async def play(asked: Asked, _: Receive, send: Send) -> None:
        if asked.scope["path"] == "/things":
            await say(send, status=302, headers={"Location": "/things/1"})
            return
        await say(send, b"\x1f\x8bnot really", headers={"Content-Encoding": "gzip"})

    upstream.play = play
    async with door.client() as client:
        moved = await client.get("/things")
        async with client.stream("GET", "/things/1") as packed:
            content = b"".join([chunk async for chunk in packed.aiter_raw()])

    assert (moved.status_code, moved.headers["location"]) == (302, "/things/1")
    assert (packed.headers["content-encoding"], content) == ("gzip", b"\x1f\x8bnot really")


async def test_connections_to_services_are_kept(door: Door, upstream: Upstream) -> None:
    async with door.client() as client:
        for _ in range(5):
            await client.post("/things", json={})
        await client.head("/things")

    assert len({asked.scope["client"] for asked in upstream.asked}) == 1


async def test_a_kept_connection_that_went_stale_is_replaced_for_reads(
    door: Door, upstream: Upstream
) -> None:
    async def leave(_: Asked, __: Receive, send: Send) -> None:
        await say(send, b"{}")
        asyncio.get_running_loop().call_later(0, _cut, send)

    upstream.play = leave
    async with door.client() as client:
        first = await client.get("/things")
        upstream.play = agree
        second = await client.get("/things")

    assert (first.status_code, second.status_code) == (200, 200)


def _cut(send: Send) -> None:
    send.__self__.transport.abort()  # type: ignore[attr-defined]


async def test_two_answers_at_once_do_not_meet(door: Door, upstream: Upstream) -> None:
    async def play(asked: Asked, _: Receive, send: Send) -> None:
        await say(send, asked.scope["path"].encode() * 1000)

    upstream.play = play

    async def one(client: httpx2.AsyncClient, number: int) -> bool:
        answer = await client.get(f"/things/{number}")
        return answer.content == f"/things/{number}".encode() * 1000

    async with door.client() as client:
        assert all(await asyncio.gather(*(one(client, number) for number in range(100))))
