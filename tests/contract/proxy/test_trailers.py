"""Fields after the body: a few pass, and none of them says who somebody is."""

import pytest

from tests.contract.proxy.door import Door
from tests.contract.proxy.messages import answer, chunk, read_answer
from tests.contract.proxy.upstream import Upstream, saying

BYTES = "Content-Type: application/octet-stream"
CHUNKED = "Transfer-Encoding: chunked"
DIGEST = "sha-256=:AAAA:"
FORGED = [
    "X-User-Id", "X-User-Role", "x_user_id", "X-Internal-Token", "X-On-Behalf-Of", "X-Service",
    "X-Forwarded-For", "Forwarded", "X-Deadline", "X-Request-ID", "Cookie", "Authorization",
    "X-API-Key", "Host", "Remote-User", "Connection", "TE", "Idempotency-Key", "If-Match",
    "Content-Type", "Content-Encoding", "Content-Range", "Accept", "Range", "Origin", "Expect",
]  # fmt: skip
FRAMING = ["Content-Length", "Transfer-Encoding", "Trailer"]


def body(*trailers: str) -> bytes:
    return chunk(b"hello") + "\r\n".join(["0", *trailers, "", ""]).encode()


@pytest.mark.parametrize("name", ["content-digest", "repr-digest"])
async def test_a_digest_after_an_upload_reaches_the_service(
    door: Door, upstream: Upstream, name: str
) -> None:
    """Issue 3, data path: request trailers."""
    head = door.head("POST", "/large", CHUNKED, BYTES, f"Trailer: {name}")
    got = await door.say(head + body(f"{name}: {DIGEST}"))

    request = await upstream.asked()
    assert (got.status, request.body) == (200, b"hello")
    assert [(key.lower(), value) for key, value in request.trailers] == [(name, DIGEST)]
    assert name not in request.names


@pytest.mark.parametrize("name", [*FORGED, *FRAMING])
async def test_nothing_else_after_an_upload_reaches_anybody(
    door: Door, upstream: Upstream, name: str
) -> None:
    """reliability row 20: identity headers spelled as trailers; nor does the next request get it.

    Fields that would change where a message ends may as well be refused.
    """
    value = "forged-7" if name not in FRAMING else "7"
    wire = await door.connect()
    head = door.head("POST", "/large", CHUNKED, BYTES)
    await wire.send(head + body(f"{name}: {value}") + door.head("GET", "/things/next"))
    got = await read_answer(wire)
    if got.status == 200:
        assert (await read_answer(wire)).body == b"GET /things/next"

    assert got.status == 200 or (got.status == 400 and name in FRAMING)
    assert b"forged-7" not in upstream.seen
    assert all(not request.trailers for request in upstream.requests)
    assert all(len(each.values("authorization")) == 1 for each in upstream.requests)
    assert all(each.values("content-length") != ["7"] for each in upstream.requests)


async def test_a_token_after_the_body_admits_nobody(door: Door, upstream: Upstream) -> None:
    head = door.head("POST", "/large", CHUNKED, BYTES, stranger=True)
    got = await door.say(head + body(door.auth))

    assert got.status == 401
    assert upstream.heads == []


@pytest.mark.parametrize("trailer", ["X A: 1", "no colon", ": 1", "X-A : 1", " X-A: 1", "X: a\x00"])
async def test_a_trailer_that_is_none_is_refused(
    door: Door, upstream: Upstream, trailer: str
) -> None:
    """reliability row 22."""
    head = door.head("POST", "/large", CHUNKED, BYTES)
    got = await door.say(head + body(trailer) + door.head("GET", "/things/smuggled"))

    assert got.status == 400
    assert upstream.requests == []


async def test_trailers_are_not_without_number(door: Door, upstream: Upstream) -> None:
    head = door.head("POST", "/large", CHUNKED, BYTES)
    got = await door.say(head + body(*(f"X-{number}: {'a' * 60}" for number in range(2000))))

    assert got.status in {400, 413, 431}
    assert upstream.requests == []


SAID = answer(b"", CHUNKED, "Trailer: Server-Timing, X-Internal-Token", length=False) + body(
    "Server-Timing: db;dur=5",
    "X-Internal-Token: forged-7",
    "Set-Cookie: forged-7",
    f"Content-Digest: {DIGEST}",
    "X-Request-ID: forged-7",
)


async def test_a_client_that_reads_trailers_gets_those_meant_for_it(
    door: Door, upstream: Upstream
) -> None:
    """Issue 3, data path: response trailers."""
    upstream.script = saying(SAID)
    wire = await door.connect()
    for _ in range(2):
        await wire.send(door.head("GET", "/things", "TE: trailers", "Connection: TE"))
        got = await read_answer(wire)
        assert (got.status, got.body, got.framing) == (200, b"hello", "chunked")
        assert sorted((name.lower(), value) for name, value in got.trailers) == [
            ("content-digest", DIGEST),
            ("server-timing", "db;dur=5"),
        ]
    assert b"forged-7" not in wire.seen


@pytest.mark.parametrize("lines", [[], ["TE: gzip"]])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_client_that_reads_no_trailers_gets_none(
    door: Door, upstream: Upstream, lines: list[str], version: str
) -> None:
    """RFC 9110 6.5.1."""
    upstream.script = saying(SAID)
    got = await door.say(door.head("GET", "/things", *lines, version=version))

    assert (got.status, got.body, got.trailers) == (200, b"hello", [])
    assert got.is_whole
    assert b"forged-7" not in door.wires[0].seen


async def test_what_a_client_says_of_codings_is_not_passed_on(
    door: Door, upstream: Upstream
) -> None:
    """TE is between two neighbours: behind us it is ours to say."""
    await door.ask("GET", "/things", "TE: trailers, gzip;q=0.5", "Connection: TE")

    assert upstream.requests[0].value("te") in {None, "trailers"}
