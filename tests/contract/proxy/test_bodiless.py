"""Answers that have no body: by their method or by their status."""

import pytest

from tests.contract.proxy.door import Door
from tests.contract.proxy.messages import LAST, answer, chunk, read_answer
from tests.contract.proxy.upstream import Connection, Script, Upstream

CHUNKED = "Transfer-Encoding: chunked"


def either(head: bytes, body: bytes) -> Script:
    """A proper service: the same head for HEAD and GET, the body for GET only."""

    async def script(connection: Connection) -> None:
        while request := await connection.request():
            await connection.send(head if request.method == "HEAD" else head + body)

    return script


@pytest.mark.parametrize("size", [0, 10, 65_536, 1_000_000])
async def test_head_has_the_length_and_not_the_body(
    door: Door, upstream: Upstream, size: int
) -> None:
    """Issue 3, data path: HEAD keeps the length the service said."""
    whole = answer(b"x" * size, 'ETag: "7"')
    head, _, body = whole.partition(b"\r\n\r\n")
    upstream.script = either(head + b"\r\n\r\n", body)
    wire = await door.connect()
    for _ in range(2):
        await wire.send(door.head("HEAD", "/things"))
        got = await read_answer(wire, "HEAD")
        assert (got.status, got.value("content-length")) == (200, str(size))
        assert got.value("etag") == '"7"'
    await wire.send(door.head("GET", "/things", "Connection: close"))
    assert len((await read_answer(wire)).body) == size
    assert await wire.rest() == b""


@pytest.mark.parametrize("kind", ["chunked", "end"])
async def test_head_of_an_answer_of_unknown_length(
    door: Door, upstream: Upstream, kind: str
) -> None:
    """No length is made up, and no chunk is sent."""
    lines = [CHUNKED] if kind == "chunked" else ["Connection: close"]
    body = chunk(b"hello") + LAST if kind == "chunked" else b"hello"

    async def script(connection: Connection) -> None:
        while request := await connection.request():
            await connection.send(answer(b"", *lines, length=False))
            await connection.send(b"" if request.method == "HEAD" else body)
            if kind == "end":
                connection.close()
                return

    upstream.script = script
    wire = await door.connect()
    await wire.send(door.head("HEAD", "/things") + door.head("GET", "/things"))
    head = await read_answer(wire, "HEAD")
    got = await read_answer(wire)

    assert (head.status, head.value("content-length")) == (200, None)
    assert (got.status, got.body) == (200, b"hello")


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        (204, []),
        (204, ["Content-Length: 0"]),
        (304, []),
        (304, ["Content-Length: 5"]),
        (304, [CHUNKED]),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_status_without_a_body_has_none(
    door: Door, upstream: Upstream, status: int, lines: list[str], version: str
) -> None:
    """Issue 3, data path: 204 and 304; the connection behind is good for the next."""
    upstream.script = either(answer(b"", 'ETag: "7"', *lines, status=status, length=False), b"")
    for number in range(2):
        wire = await door.connect()
        head = door.head("GET", f"/things/{number}", 'If-None-Match: "7"', version=version)
        await wire.send(head)
        got = await read_answer(wire)
        assert (got.status, got.value("etag")) == (status, '"7"')
        assert "transfer-encoding" not in got.names
        assert "content-length" not in got.names or status == 304
        if version == "1.1":
            await wire.send(door.head("GET", "/things", "Connection: close"))
            assert (await read_answer(wire)).status == status
        assert await wire.rest() == b""

    assert len(upstream.connections) == 1


async def test_a_refusal_of_a_head_has_no_body_either(door: Door, upstream: Upstream) -> None:
    wire = await door.connect()
    await wire.send(door.head("HEAD", "/nothing") + door.head("HEAD", "/things", stranger=True))
    statuses = [(await read_answer(wire, "HEAD")).status for _ in range(2)]
    await wire.send(door.head("GET", "/things", "Connection: close"))

    assert statuses == [404, 401]
    assert (await read_answer(wire)).body == b"GET /things"
    assert await wire.rest() == b""
    assert upstream.targets == ["/things"]
