"""A service that lies, babbles or breaks off: none of it looks like a good answer."""

import asyncio

import pytest

from libs.common.testing.stage import until
from tests.contract.proxy.door import KIB, Door
from tests.contract.proxy.messages import LAST, Message, answer, chunk, read_answer
from tests.contract.proxy.upstream import Connection, Upstream, saying
from tests.contract.proxy.wire import Wire

CHUNKED = "Transfer-Encoding: chunked"
POISON = answer(b"poison", "ETag: poison", status=203)
OK = b"HTTP/1.1 200 OK\r\n"
LONG = f"X-Long: {'a' * 200 * KIB}"
MANY = [f"X-{number}: a" for number in range(20_000)]

NO_ANSWERS = {
    "nothing": b"",
    "garbage": b"nonsense\r\n\r\n",
    "binary": bytes(range(256)) * 4,
    "another protocol": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "half a head": OK + b"Content-Len",
    "one header too large": answer(b"hello", LONG),
    "too many headers": answer(b"hello", *MANY),
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two lengths in one": OK + b"Content-Length: 5, 6\r\n\r\nhello!",
    "length and chunks": answer(chunk(b"hello") + LAST, CHUNKED),
    "chunks and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
    + chunk(b"hello") + LAST,
    "a negative length": OK + b"Content-Length: -5\r\n\r\nhello",
    "a length with a sign": OK + b"Content-Length: +5\r\n\r\nhello",
    "a length in hex": OK + b"Content-Length: 0x5\r\n\r\nhello",
    "a length of words": OK + b"Content-Length: five\r\n\r\nhello",
    "a length of two to the sixty-four": OK + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "NUL in a header": answer(b"hello", "ETag: a\0b"),
    "CR in a header": answer(b"hello", "ETag: a\rX-B: b"),
    "a space in a name": answer(b"hello", "ETag : a"),
    "no colon": answer(b"hello", "ETag"),
    "a short body": OK + b"Content-Length: 10\r\n\r\nhell",
    "1xx without an end": b"HTTP/1.1 102 Processing\r\n\r\n" * 50_000,
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_ANSWERS)
async def test_what_is_no_answer_is_said_to_be_none(
    door: Door, upstream: Upstream, kind: str
) -> None:
    """Issue 3, data path: one refusal in our shape, and the connection behind is given up."""
    upstream.scripts = [saying(NO_ANSWERS[kind], then="close")] * 2
    got = await door.ask("POST", "/things", "Content-Type: application/json", body=b"{}")

    assert got.status in {502, 503}
    assert got.code
    assert got.interim == []
    assert got.value("content-type") == "application/json"
    upstream.scripts = []
    assert (await door.ask("GET", "/things/2")).body == b"GET /things/2"


BROKEN = {
    "fewer bytes than it said": (answer(b"", "Content-Length: 300000", length=False), b""),
    "no chunk": (answer(b"", CHUNKED, length=False), b"zz\r\n"),
    "a negative chunk": (answer(b"", CHUNKED, length=False), b"-1\r\nx\r\n0\r\n\r\n"),
    "a signed chunk": (answer(b"", CHUNKED, length=False), b"+5\r\nhello\r\n0\r\n\r\n"),
    "a chunk in hex": (answer(b"", CHUNKED, length=False), b"0x5\r\nhello\r\n0\r\n\r\n"),
    "an endless chunk": (answer(b"", CHUNKED, length=False), b"10000000000000005\r\nhello\r\n"),
    "a chunk that is longer": (answer(b"", CHUNKED, length=False), b"2\r\nhello\r\n0\r\n\r\n"),
    "no last chunk": (answer(b"", CHUNKED, length=False), chunk(b"hello")),
    "half a last chunk": (answer(b"", CHUNKED, length=False), b"0\r\n"),
    "a trailer that is none": (answer(b"", CHUNKED, length=False), b"0\r\nno colon\r\n\r\n"),
}  # fmt: skip


async def _begun(door: Door, upstream: Upstream, first: bytes, last: bytes, then: str) -> Wire:
    """A client that has read the beginning of an answer which goes on with `last`, and ends."""
    read = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(first)
        await read.wait()
        await connection.send(last)
        getattr(connection, then)()

    upstream.scripts = [script]
    wire = await door.connect()
    await wire.send(door.head("GET", "/large"))
    await wire.until(b"x" * 50_000)
    read.set()
    return wire


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("then", ["close", "reset"])
async def test_an_answer_that_breaks_off_never_looks_whole(
    door: Door, upstream: Upstream, kind: str, then: str
) -> None:
    """Issue 3, data path: the client sees a cut."""
    head, last = BROKEN[kind]
    first = b"x" * 100_000
    body = chunk(first) if CHUNKED.encode() in head else first
    wire = await _begun(door, upstream, head + body, last, then)
    await wire.gone()

    assert wire.seen.startswith(b"HTTP/1.1 200")
    assert not wire.seen.endswith(LAST)
    assert b"HTTP/1.1 " not in wire.seen[9:]
    assert (await door.ask("GET", "/things/2")).body == b"GET /things/2"


async def test_an_answer_told_by_the_end_of_a_connection_that_was_cut_is_cut(
    door: Door, upstream: Upstream
) -> None:
    """A reset is not the end that was meant."""
    head = answer(b"", "ETag: 1", length=False)
    wire = await _begun(door, upstream, head + b"x" * 100_000, b"", "reset")
    await wire.gone()

    assert not wire.seen.endswith(LAST)


HELLO = answer(b"hello")
HELLO_CHUNKED = answer(b"", CHUNKED, length=False) + chunk(b"hello") + LAST
UNASKED = {
    "a second answer": (HELLO, POISON),
    "a second answer, chunked": (HELLO_CHUNKED, POISON),
    "the head of one, which takes the next for its body": (HELLO, POISON.removesuffix(b"poison")),
    "half a head": (HELLO, POISON[:20]),
    "more line ends": (HELLO, b"\r\n\r\n" + POISON),
    "an interim answer": (HELLO, b"HTTP/1.1 100 Continue\r\n\r\n" + POISON),
    "hints": (HELLO, b"HTTP/1.1 103 Early Hints\r\nLink: </poison>\r\n\r\n"),
    "garbage": (HELLO, b"\0\0\0\0"),
    "a body where there is none": (answer(b"", status=204, length=False), POISON),
    "a body where nothing changed": (
        answer(b"", "Content-Length: 90", status=304, length=False),
        POISON,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNASKED)
@pytest.mark.parametrize("when", ["at once", "while idle", "noticed"])
async def test_what_a_service_says_unasked_reaches_nobody(
    door: Door, upstream: Upstream, kind: str, when: str
) -> None:
    """Issue 3, data path: response poisoning. The next is a write: no second try mends it."""
    asked_for, unasked = UNASKED[kind]
    go_on, is_said = asyncio.Event(), asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(asked_for + (unasked if when == "at once" else b""))
        if when != "at once":
            await go_on.wait()
            await connection.send(unasked)
        is_said.set()
        await connection.request()

    upstream.scripts = [script]
    wire = await door.connect()
    await wire.send(door.head("GET", "/things/1"))
    got = await read_answer(wire)
    go_on.set()
    await is_said.wait()
    if when == "noticed":
        await until(lambda: upstream.connections[0].ended, seconds=2)
    await wire.send(door.head("POST", "/things/2", "Content-Length: 0"))
    second = await read_answer(wire)

    assert (got.status, got.body) in {(200, b"hello"), (204, b""), (304, b"")} or is_refusal(got)
    assert (second.status, second.body) == (200, b"POST /things/2")
    assert (await door.ask("GET", "/things/3")).body == b"GET /things/3"
    assert b"poison" not in wire.seen.lower()


def is_refusal(got: Message) -> bool:
    """Whether the gateway itself said that the service is away."""
    return got.status in {502, 503} and bool(got.code)


async def test_a_head_with_a_body_reaches_nobody(door: Door, upstream: Upstream) -> None:
    """A service that answers HEAD as if it were GET."""
    upstream.scripts = [saying(answer(POISON))] * 2
    wire = await door.connect()
    await wire.send(door.head("HEAD", "/things/1"))
    head = await read_answer(wire, "HEAD")
    await wire.send(door.head("GET", "/healthz") + door.head("GET", "/healthz"))
    bodies = {(await read_answer(wire)).body for _ in range(2)}

    assert head.status == 200
    assert bodies == {b'{"status":"alive"}'}
    assert b"poison" not in wire.seen.lower()


INSIDE = [
    "Server: uvicorn", "X-Powered-By: x", "Set-Cookie: a=b", "set-cookie2: a", "X-Internal-A: 1",
    "X-User-Id: 1", "X_User_Id: 1", "X-Deadline: 1", "Via: 1.1 x", "Keep-Alive: timeout=5",
    "Proxy-Authenticate: Basic", "Proxy-Connection: close", "Upgrade: h2c", "Authorization: a",
    "X-Request-ID: another", "Trailer: X-A", "TE: trailers", "X-Accel-Redirect: /internal",
    "X-Sendfile: /etc/passwd", "Alt-Svc: h3", "Access-Control-Allow-Origin: *", "NEL: {}",
    "Connection: close, ETag", "Clear-Site-Data: *",
]  # fmt: skip


async def test_what_a_service_says_of_itself_stays_inside(door: Door, upstream: Upstream) -> None:
    """reliability row 20, the other way: an allow-list decides what comes out."""
    upstream.script = saying(answer(b"hello", *INSIDE, 'Last-Modified: "7"', "Retry-After: 2"))
    got = await door.ask("GET", "/things")

    ours = {"date", "x-request-id", "x-content-type-options", "content-length", "connection"}
    assert got.names - ours <= {"last-modified", "retry-after", "ratelimit", "ratelimit-policy"}
    assert {"last-modified", "retry-after"} <= got.names
    assert got.value("x-request-id") == upstream.requests[0].value("x-request-id")
    assert len(got.values("date")) == 1
    assert got.value("connection") in {None, "keep-alive"}


@pytest.mark.parametrize("value", ["a\nX-Injected: 1", "a\r\nX-Injected: 1", "a\r\n X-Injected: 1"])
async def test_a_header_cannot_smuggle_another_out(
    door: Door, upstream: Upstream, value: str
) -> None:
    """Response splitting: what is not on the list does not come out, however it is spelled."""
    upstream.script = saying(answer(b"hello", f"ETag: {value}"))
    got = await door.ask("GET", "/things")

    assert "x-injected" not in got.names
    assert b"\nX-Injected" not in door.wires[0].seen
