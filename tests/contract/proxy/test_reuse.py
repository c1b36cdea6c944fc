"""Kept connections that are not kept: what is sent again, and what never twice."""

import asyncio
from typing import Literal

import pytest

from tests.contract.proxy.door import Door
from tests.contract.proxy.messages import answer, chunk, read_answer
from tests.contract.proxy.upstream import Connection, Script, Upstream

BYTES = "Content-Type: application/octet-stream"
CHUNKED = "Transfer-Encoding: chunked"
KEY = "Idempotency-Key: 0192aaaa"
Way = Literal["close", "reset"]
WAYS: list[Way] = ["close", "reset"]


async def _warm(door: Door, upstream: Upstream, script: Script, *, connections: int = 1) -> None:
    """Let the gateway keep so many connections that end when they are used again."""
    gate = asyncio.Event()

    async def held(connection: Connection) -> None:
        request = await connection.head()
        assert request
        await gate.wait()
        await connection.send(answer(b"warm"))
        await script(connection)

    upstream.scripts = [held for _ in range(connections)]
    asking = [asyncio.create_task(door.ask("GET", "/things/warm")) for _ in range(connections)]
    await upstream.begun(connections)
    gate.set()
    assert {got.body for got in await asyncio.gather(*asking)} == {b"warm"}


def going(how: Way, *, before: bytes = b"") -> Script:
    """As the next request comes, say `before` at most, and go."""

    async def script(connection: Connection) -> None:
        if await connection.head() is None:
            return
        await connection.send(before)
        getattr(connection, how)()

    return script


AGAIN: dict[str, tuple[str, list[str], bytes]] = {
    "GET": ("GET", [], b""),
    "HEAD": ("HEAD", [], b""),
    "DELETE": ("DELETE", [], b""),
    "PUT, empty": ("PUT", ["Content-Length: 0"], b""),
    "PUT, small": ("PUT", ["Content-Length: 5", BYTES], b"hello"),
    "POST with a key": ("POST", ["Content-Length: 5", BYTES, KEY], b"hello"),
}
NEVER: dict[str, tuple[str, list[str], bytes]] = {
    "POST": ("POST", ["Content-Length: 5", BYTES], b"hello"),
    "POST, empty": ("POST", ["Content-Length: 0"], b""),
    "PATCH": ("PATCH", ["Content-Length: 5", BYTES], b"hello"),
    "POST, large": ("POST", ["Content-Length: 300000", BYTES], b"x" * 300_000),
}


@pytest.mark.parametrize("kind", AGAIN)
@pytest.mark.parametrize("how", WAYS)
async def test_what_may_be_said_twice_is_sent_again_once(
    door: Door, upstream: Upstream, kind: str, how: Way
) -> None:
    """RFC 9110 9.2.2, issue 3: keep-alive races; a fresh connection, the same bytes."""
    method, lines, body = AGAIN[kind]
    await _warm(door, upstream, going(how))
    got = await door.say(door.head(method, "/things/1", *lines) + body, method)

    assert got.status == 200
    assert got.body == (b"" if method == "HEAD" else f"{method} /things/1".encode())
    assert [each.target for each in upstream.heads] == ["/things/warm", "/things/1", "/things/1"]
    assert [(each.target, each.body) for each in upstream.requests] == [("/things/1", body)]
    assert len(upstream.connections) == 2


@pytest.mark.parametrize("kind", NEVER)
@pytest.mark.parametrize("how", WAYS)
async def test_what_may_not_be_said_twice_is_sent_once(
    door: Door, upstream: Upstream, kind: str, how: Way
) -> None:
    """The service may have done it before it went: only the client can know."""
    method, lines, body = NEVER[kind]
    await _warm(door, upstream, going(how))
    got = await door.say(door.head(method, "/things/1", *lines) + body)

    assert (got.status, got.code) == (503, "UPSTREAM_UNAVAILABLE")
    assert got.value("retry-after")
    assert [each.target for each in upstream.heads] == ["/things/warm", "/things/1"]


@pytest.mark.parametrize("line", ["Content-Length: 300000", CHUNKED])
async def test_a_body_that_streamed_past_is_not_made_up_again(
    door: Door, upstream: Upstream, line: str
) -> None:
    """PUT is idempotent; what was not kept cannot be sent again."""
    await _warm(door, upstream, going("reset"))
    wire = await door.connect()
    await wire.send(door.head("PUT", "/large", line, BYTES))
    piece = b"x" * 100_000
    for _ in range(3):
        await wire.send(chunk(piece) if line == CHUNKED else piece)
    await wire.send(b"0\r\n\r\n" if line == CHUNKED else b"")
    got = await read_answer(wire)

    assert (got.status, got.code) == (503, "UPSTREAM_UNAVAILABLE")
    assert [each.target for each in upstream.heads].count("/large") == 1


async def test_a_stale_connection_is_not_replaced_by_another_stale_one(
    door: Door, upstream: Upstream
) -> None:
    """After a restart all kept connections are dead at once."""
    await _warm(door, upstream, going("close"), connections=4)
    assert len(upstream.connections) == 4

    assert (await door.ask("GET", "/things/1")).body == b"GET /things/1"
    assert [each.target for each in upstream.heads].count("/things/1") == 2


async def test_a_second_failure_is_the_last(door: Door, upstream: Upstream) -> None:
    await _warm(door, upstream, going("close"))
    upstream.script = going("close")
    got = await door.ask("GET", "/things/1")

    assert (got.status, got.code) == (503, "UPSTREAM_UNAVAILABLE")
    assert [each.target for each in upstream.heads].count("/things/1") == 2


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_that_ended_while_idle_is_not_used(
    door: Door, upstream: Upstream, method: str, how: Way
) -> None:
    """No race here: the goodbye was there to be read, and a write succeeds."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer(b"first"))
        getattr(connection, how)()

    upstream.scripts = [script]
    wire = await door.connect()
    await wire.send(door.head("GET", "/things"))
    assert (await read_answer(wire)).body == b"first"
    await wire.send(door.head("GET", "/healthz"))
    await read_answer(wire)

    got = await door.ask(method, "/things/1")
    assert got.body == f"{method} /things/1".encode()
    assert upstream.targets == ["/things", "/things/1"]


@pytest.mark.parametrize(
    "before", [b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\n\r\nhal"]
)
async def test_an_answer_that_began_is_not_asked_for_again_for_a_write(
    door: Door, upstream: Upstream, before: bytes
) -> None:
    await _warm(door, upstream, going("reset", before=before))
    wire = await door.connect()
    lines = ["Content-Length: 2", BYTES, "Connection: close"]
    await wire.send(door.head("POST", "/things/1", *lines) + b"{}")
    await wire.rest()

    assert [each.target for each in upstream.heads] == ["/things/warm", "/things/1"]
    assert not wire.seen.endswith(b"0\r\n\r\n")


async def test_connections_that_come_back_are_found(door: Door, upstream: Upstream) -> None:
    """The race costs one connection, not the service."""
    await _warm(door, upstream, going("close"))
    for number in range(3):
        assert (await door.ask("GET", f"/things/{number}")).status == 200
    assert len(upstream.connections) == 2
