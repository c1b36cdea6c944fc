"""WebSockets: after admission and a 101, bytes both ways and nothing else."""

import asyncio

import pytest

from libs.common.clock import monotonic
from libs.common.testing.stage import until
from tests.contract.proxy.door import MIB, QUICK_SECONDS, Door
from tests.contract.proxy.messages import answer, read_answer, read_head
from tests.contract.proxy.upstream import Connection, Upstream, saying

UPGRADE = [
    "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: chat, v2",
    "Sec-WebSocket-Extensions: permessage-deflate",
]  # fmt: skip
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SWITCH = (
    f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\nSec-WebSocket-Protocol: chat\r\nX-Internal-A: 1\r\n"
    f"Set-Cookie: a=b\r\n\r\n"
).encode()
NOISE = bytes(range(256)) * 1200 + b"GET /things/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
HELD = 16 * MIB


async def mirror(connection: Connection) -> None:
    """Switch, and say everything back."""
    await connection.head()
    await connection.send(SWITCH)
    if connection.held:
        await connection.send(connection.held)
    while data := await connection.fill():
        await connection.send(data)
    connection.close()


async def test_bytes_pass_both_ways_as_they_are(door: Door, upstream: Upstream) -> None:
    """Issue 3, data path: WebSocket pass-through."""
    upstream.script = mirror
    wire = await door.connect()
    await wire.send(door.head("GET", "/socket?a=1", *UPGRADE))
    head = await read_answer(wire)
    sending = asyncio.create_task(wire.send(NOISE))
    got = await wire.exactly(len(NOISE))
    await sending

    assert (head.status, head.value("sec-websocket-accept")) == (101, ACCEPT)
    assert (head.value("sec-websocket-protocol"), head.value("upgrade")) == ("chat", "websocket")
    assert "upgrade" in (head.value("connection") or "").lower()
    assert not {"x-internal-a", "set-cookie", "content-length", "transfer-encoding"} & head.names
    assert got == NOISE
    assert upstream.targets == []
    assert [each.target for each in upstream.heads] == ["/socket?a=1"]


async def test_the_service_sees_the_handshake_and_the_token(door: Door, upstream: Upstream) -> None:
    upstream.script = mirror
    wire = await door.connect()
    await wire.send(door.head("GET", "/socket", *UPGRADE, "X-User-Id: 1", "Origin: http://a"))
    await read_answer(wire)
    [request] = upstream.heads

    assert (request.value("upgrade") or "").lower() == "websocket"
    assert (request.value("connection") or "").lower() == "upgrade"
    assert request.value("sec-websocket-key") == "dGhlIHNhbXBsZSBub25jZQ=="
    assert request.value("sec-websocket-version") == "13"
    assert request.value("sec-websocket-protocol") == "chat, v2"
    assert request.value("authorization") == f"Bearer {door.token}"
    assert request.value("origin") == "http://a"
    assert "x-user-id" not in request.names


async def test_what_is_said_in_the_same_breath_is_not_lost(door: Door, upstream: Upstream) -> None:
    """Frames right behind the handshake, on either side."""

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(SWITCH + b"\x81\x05first")
        await connection.send(await connection.exactly(8))

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("GET", "/socket", *UPGRADE) + b"\x81\x06second")
    assert (await read_answer(wire)).status == 101

    assert await wire.exactly(15) == b"\x81\x05first\x81\x06second"


async def test_a_tunnel_outlives_the_deadline_of_its_handshake(
    door: Door, upstream: Upstream
) -> None:
    upstream.script = mirror
    wire = await door.connect()
    started = monotonic()
    await wire.send(door.head("GET", "/socket", *UPGRADE))
    await read_answer(wire)
    while monotonic() - started < QUICK_SECONDS + 0.5:
        await wire.send(b"ping")
        assert await wire.exactly(4, seconds=1) == b"ping"
        await asyncio.sleep(0.1)


async def test_a_handshake_has_a_deadline(door: Door, upstream: Upstream) -> None:
    """reliability row 40."""

    async def script(connection: Connection) -> None:
        await connection.head()

    upstream.script = script
    started = monotonic()
    got = await door.say(door.head("GET", "/socket", *UPGRADE))

    assert (got.status, got.code) == (504, "DEADLINE_EXCEEDED")
    assert monotonic() - started < QUICK_SECONDS + 0.5
    await upstream.connections[0].gone()


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("who", ["client", "service"])
async def test_when_one_side_goes_the_other_is_let_go(
    door: Door, upstream: Upstream, how: str, who: str
) -> None:
    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(SWITCH)

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("GET", "/socket", *UPGRADE))
    await read_answer(wire)
    [behind] = upstream.connections
    going, staying = (wire, behind) if who == "client" else (behind, wire)
    await going.send(b"\x88\x00")
    assert await staying.exactly(2) == b"\x88\x00"
    getattr(going, how)()

    await staying.gone(seconds=2)


async def test_a_stranger_gets_no_tunnel(door: Door, upstream: Upstream) -> None:
    got = await door.say(door.head("GET", "/socket", *UPGRADE, stranger=True))

    assert got.status == 401
    assert upstream.connections == []


async def test_a_service_that_refuses_is_heard(door: Door, upstream: Upstream) -> None:
    upstream.script = saying(answer(b'{"no":1}', status=403))
    wire = await door.connect()
    await wire.send(door.head("GET", "/socket", *UPGRADE))
    got = await read_answer(wire)

    assert (got.status, got.body) == (403, b'{"no":1}')


NO_TUNNELS = {
    "another route": ("GET", "/things", UPGRADE, "1.1"),
    "h2c": ("GET", "/socket", ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                               "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"], "1.1"),
    "h2c, another route": ("GET", "/things", ["Connection: Upgrade", "Upgrade: h2c"], "1.1"),
    "two protocols": ("GET", "/socket", ["Connection: Upgrade", "Upgrade: websocket, h2c"], "1.1"),
    "not connected": ("GET", "/socket", UPGRADE[1:], "1.1"),
    "an old client": ("GET", "/socket", UPGRADE, "1.0"),
    "with a body": ("GET", "/socket", [*UPGRADE, "Content-Length: 40"], "1.1"),
    "a write": ("POST", "/things", [*UPGRADE, "Content-Length: 40"], "1.1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_TUNNELS)
async def test_nothing_else_becomes_a_tunnel(door: Door, upstream: Upstream, kind: str) -> None:
    """Even for a service that would switch: what follows is a request or nothing."""
    method, path, lines, version = NO_TUNNELS[kind]

    async def script(connection: Connection) -> None:
        while request := await connection.request():
            switches = "upgrade" in request.names
            await connection.send(SWITCH if switches else answer(request.target.encode()))

    upstream.script = script
    smuggled = b"GET /things/smuggled HTTP/1.1\r\nX: " + b"a" * 4
    body = smuggled[:40].ljust(40) if "Content-Length: 40" in lines else b""
    wire = await door.connect()
    await wire.send(door.head(method, path, *lines, version=version) + body)
    got = await read_head(wire)

    assert got
    assert got.status != 101
    assert all("upgrade" not in each.names for each in upstream.heads)
    assert set(upstream.targets) <= {path}
    assert (await door.ask("GET", "/things/2")).body == b"/things/2"


async def test_a_switch_nobody_asked_for_is_none(door: Door, upstream: Upstream) -> None:
    upstream.scripts = [saying(SWITCH + b"poison")]
    got = await door.ask("GET", "/things")

    assert got.status in {502, 503}
    await upstream.connections[0].gone()
    assert (await door.ask("GET", "/things/2")).body == b"GET /things/2"


async def test_a_tunnel_holds_back_who_sends_faster_than_the_other_reads(
    door: Door, upstream: Upstream
) -> None:
    said = -1

    async def script(connection: Connection) -> None:
        nonlocal said
        await connection.head()
        await connection.send(SWITCH)
        said = await connection.push(bytes(64 * 1024), at_most=200 * MIB)

    upstream.script = script
    wire = await door.connect(buffers=64 * 1024)
    await wire.send(door.head("GET", "/socket", *UPGRADE))
    assert (await read_answer(wire)).status == 101
    await until(lambda: said >= 0)

    assert 0 < said < HELD
