"""Bodies on their way in: whose is read, how much of it, and for how long."""

import asyncio

import pytest
from starlette.types import Receive, Send

from libs.common.clock import monotonic
from libs.common.testing.stage import until
from tests.service.gateway.conftest import MIB, Answer, Asked, Door, OpenDoor, Upstream, begin

JSON = "Content-Type: application/json"
BYTES = "Content-Type: application/octet-stream"
CHUNKED = "Transfer-Encoding: chunked"


async def test_a_stranger_who_promises_ten_gigabytes_is_not_listened_to(
    door: Door, upstream: Upstream
) -> None:
    """performance.md: who and what is decided before a byte of body is read."""
    head = door.head("POST", "/things", f"Content-Length: {10 * 1024 * MIB}", BYTES, role=None)
    started = monotonic()
    answer = await door.raw(head)

    assert (answer.status, answer.headers["connection"]) == (401, "close")
    assert monotonic() - started < 0.4
    assert upstream.asked == []


async def push(writer: asyncio.StreamWriter, size: int) -> None:
    for _ in range(size // MIB):
        writer.write(bytes(MIB))
        await writer.drain()


async def test_of_what_a_stranger_sends_all_the_same_next_to_nothing_is_read(door: Door) -> None:
    head = door.head("POST", "/things", f"Content-Length: {10 * 1024 * MIB}", BYTES, role=None)
    read = 0
    app = door.front.app
    inner = app._app  # type: ignore[attr-defined]

    async def counting(scope: object, receive: Receive, send: Send) -> None:
        async def counted() -> object:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            return message

        await inner(scope, counted, send)

    app._app = counting  # type: ignore[attr-defined]
    async with door.socket() as (_, writer):
        writer.write(head)
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, by the moment
            await push(writer, 160 * MIB)

    assert read < 64 * 1024


async def test_without_the_100_continue_nothing_has_to_be_sent(door: Door) -> None:
    lines = [f"Content-Length: {MIB}", BYTES, "Expect: 100-continue"]
    stranger = await door.raw(door.head("POST", "/things", *lines, role=None))

    assert stranger.status == 401


@pytest.mark.parametrize("role", ["guest", None])
async def test_too_large_by_its_own_word_is_refused_at_once(
    door: Door, upstream: Upstream, role: str | None
) -> None:
    path = "/small" if role else "/open"
    lines = [f"Content-Length: {2 * MIB}", JSON]
    async with door.socket() as (reader, writer):
        started = monotonic()
        writer.write(door.head("POST", path, *lines) + b"{")
        answer = Answer(await reader.readuntil(b"}}"))
        took = monotonic() - started

    assert took < 0.4
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert b'"TOO_LARGE"' in answer.text
    assert upstream.asked == []


async def test_a_refusal_is_read_even_by_who_sends_on_without_looking(door: Door) -> None:
    """Without reading on a little, the reset would eat the answer."""
    body = bytes(300_000)
    head = door.head("POST", "/small", f"Content-Length: {len(body)}", JSON)
    answer = await door.raw(head + body)

    assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_too_large_counted_on_the_way_is_refused(door: Door, upstream: Upstream) -> None:
    """A chunked body promises nothing: it is counted."""
    chunk = b"400\r\n" + bytes(1024) + b"\r\n"
    head = door.head("POST", "/small", CHUNKED, JSON, "Connection: close")
    answer = await door.raw(head + chunk * 3 + b"0\r\n\r\n")

    assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert all(len(asked.body) <= 1024 for asked in upstream.asked)


async def test_exactly_as_much_as_may_be_passes(door: Door, upstream: Upstream) -> None:
    head = door.head("POST", "/small", CHUNKED, JSON, "Connection: close")
    chunked = await door.raw(head + b"400\r\n" + bytes(1024) + b"\r\n0\r\n\r\n")
    async with door.client() as client:
        counted = await client.post(
            "/small", content=bytes(1024), headers={"Content-Type": "application/json"}
        )
        more = await client.post(
            "/small", content=bytes(1025), headers={"Content-Type": "application/json"}
        )

    assert (chunked.status, counted.status_code, more.status_code) == (200, 200, 413)
    assert [len(asked.body) for asked in upstream.asked] == [1024, 1024]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: 2", "Content-Type: text/plain"], 415),
        (["Content-Length: 2", "Content-Type: application/json", "Content-Encoding: gzip"], 415),
        (
            ["Content-Length: 2", JSON, "Content-Encoding: gzip", "Content-Encoding: identity"],
            400,
        ),
        (["Content-Length: 2", JSON, "Content-Type: text/plain"], 400),
        (["Content-Length: 2", JSON, "Idempotency-Key: a", "Idempotency-Key: b"], 400),
    ],
)
async def test_a_body_that_two_readers_read_differently_is_refused(
    door: Door, upstream: Upstream, lines: list[str], status: int
) -> None:
    head = door.head("POST", "/things", *lines, "Connection: close")
    answer = await door.raw(head + b"{}")

    assert answer.status == status
    assert upstream.asked == []


@pytest.mark.parametrize(
    "lines", [[f"Content-Length: {MIB}", BYTES], ["Content-Length: 100", JSON], [CHUNKED, JSON]]
)
async def test_a_body_that_does_not_come_is_not_waited_for(
    door: Door, upstream: Upstream, lines: list[str]
) -> None:
    """http-21."""
    beginning = b"1\r\n{\r\n" if CHUNKED in lines else b"{"
    started = monotonic()
    answer = await door.raw(door.head("POST", "/things", *lines) + beginning)

    assert (answer.status, answer.code) == (408, "REQUEST_TIMEOUT")
    assert answer.headers["connection"] == "close"
    assert 0.4 < monotonic() - started < 2
    assert not any(asked.body.endswith(b"}") for asked in upstream.asked)


async def test_a_body_that_drips_does_not_outlive_its_deadline(door: Door) -> None:
    async with door.socket() as (reader, writer):
        started = monotonic()
        writer.write(door.head("POST", "/quick", CHUNKED, JSON))
        reading = asyncio.create_task(reader.readuntil(b"}}"))
        while not reading.done():
            writer.write(b"1\r\n \r\n")
            await asyncio.sleep(0.1)
        answer = Answer(await reading)

    assert answer.status == 408
    assert monotonic() - started < 1.5


async def test_a_small_body_that_drips_costs_the_service_nothing(
    door: Door, upstream: Upstream
) -> None:
    async with door.socket() as (reader, writer):
        started = monotonic()
        writer.write(door.head("POST", "/small", "Content-Length: 1000", JSON))
        for _ in range(4):
            writer.write(b" ")
            await asyncio.sleep(0.1)
        answer = Answer(await reader.readuntil(b"}}"))

    assert answer.status == 408
    assert monotonic() - started < 0.85
    assert upstream.asked == []


async def test_who_leaves_in_the_middle_of_an_upload_takes_the_call_along(
    door: Door, upstream: Upstream
) -> None:
    seen: list[str] = []

    async def play(asked: Asked, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            seen.append(message["type"])
            if message["type"] == "http.disconnect":
                return

    upstream.play = play
    async with door.socket() as (_, writer):
        writer.write(door.head("POST", "/things", f"Content-Length: {MIB}", BYTES) + bytes(1000))
        await until(lambda: "http.request" in seen)

    await until(lambda: seen[-1] == "http.disconnect", seconds=2)
    assert seen.count("http.disconnect") == 1
    assert set(seen[:-1]) == {"http.request"}


async def test_who_leaves_while_waiting_takes_the_call_along(
    open_door: OpenDoor, upstream: Upstream
) -> None:
    door = await open_door(body_seconds=10)
    seen: list[str] = []

    async def play(asked: Asked, receive: Receive, send: Send) -> None:
        while "http.disconnect" not in seen:
            seen.append((await receive())["type"])

    upstream.play = play
    for method, lines in [("GET", []), ("POST", ["Content-Length: 2", JSON])]:
        seen.clear()
        async with door.socket() as (_, writer):
            writer.write(door.head(method, "/things", *lines) + (b"{}" if lines else b""))
            await until(lambda: seen)

        await until(lambda: seen[-1] == "http.disconnect", seconds=2)
        assert seen.count("http.disconnect") == 1, method


async def test_who_leaves_while_an_answer_streams_takes_the_call_along(
    door: Door, upstream: Upstream
) -> None:
    left = asyncio.Event()

    async def play(asked: Asked, receive: Receive, send: Send) -> None:
        await begin(send)
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        left.set()

    upstream.play = play
    async with door.socket() as (reader, writer):
        writer.write(door.head("GET", "/things"))
        await reader.readuntil(b"x")

    async with asyncio.timeout(2):
        await left.wait()


async def test_an_answer_before_the_end_of_the_body_is_passed_on_and_ends_it(
    door: Door, upstream: Upstream
) -> None:
    async def play(asked: Asked, receive: Receive, send: Send) -> None:
        await receive()
        head = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 422, "headers": head})
        await send({"type": "http.response.body", "body": b"no"})

    upstream.play = play
    answer = await door.raw(
        door.head("POST", "/things", f"Content-Length: {MIB}", BYTES) + bytes(1000)
    )

    assert (answer.status, answer.body) == (422, b"no")
    assert answer.headers["connection"] == "close"
