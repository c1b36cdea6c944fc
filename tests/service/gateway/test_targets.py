"""Addresses and methods: one spelling each, and what is behind the door stays there."""

import asyncio

import pytest

from libs.common.principal import Role
from tests.service.gateway.conftest import Answer, Door, Upstream

NOWHERE_AT_ALL = [
    "/", "//", "//things", "/things//", "/things//1", "/./things", "/things/.", "/things/..",
    "/open/../things", "/things/1/../2", "/%2e%2e/things", "/things/%2e", "/things/%2E%2e",
    "/things/.%2e", "/things%2f1", "/things/a%2Fb", "/things/a%5cb", "/things/a\\b",
    "\\things", "/things;/1", "/things;a=b", "/Things", "/THINGS/1", "/things/%00",
    "/things/a%00b", "/things/%0d%0ax", "/things/%c0%af", "/things/%c0%ae%c0%ae",
    "/things/%e0%80%af", "/things/%ff", "/things/%ed%a0%80", "/things/%f4%90%80%80",
    "/things/a%2", "/things/%", "/things/%zz", "/things/%u002e", "/internal",
    "/internal/grievances/1/contact", "/internal/api-keys/exchange", "/Internal/x",
    "/%69nternal/x", "/things/../internal/x", "/metrics", "/kept/../internal/x",
    "/kept/%2e%2e/internal/x", "/kept/a/..%2finternal", "/kept/", "/kept/a//b",
    "/things/%E2%80%8B", "/things/\x7f", "/th%C3%ADngs", "/favicon.ico", "*", "things",
]  # fmt: skip


async def test_an_address_that_is_none_leads_nowhere(door: Door, upstream: Upstream) -> None:
    async def status(path: str) -> int:
        head = door.head("GET", path, "Connection: close", role=Role.SUPER_ADMIN)
        return (await door.raw(head)).status

    found = {path: await status(path) for path in NOWHERE_AT_ALL}

    assert {path: code for path, code in found.items() if code not in {400, 404}} == {}
    assert upstream.asked == []


AS_SPELLED = {
    "/things/": "/things",
    "/things/1/": "/things/1",
    "/things/GRV-2026-7K3MQX-4": "/things/GRV-2026-7K3MQX-4",
    "/things/a.b~c_d": "/things/a.b~c_d",
    "/things/%E0%A5%A7": "/things/%E0%A5%A7",
    "/things/a%20b": "/things/a%20b",
    "/things/a%2541": "/things/a%2541",
    "/kept/a/b/c.png": "/kept/a/b/c.png",
    "/things?a=b%2Fc&d=%2e%2e": "/things?a=b%2Fc&d=%2e%2e",
    "/things?": "/things",
    "/things?q=%E0%A4%AA": "/things?q=%E0%A4%AA",
    "http://elsewhere/things/1": "/things/1",
}


async def test_an_address_is_passed_on_as_it_is_spelled(door: Door, upstream: Upstream) -> None:
    for asked in AS_SPELLED:
        assert (await door.raw(door.head("GET", asked, "Connection: close"))).status == 200, asked

    assert [each.target for each in upstream.asked] == list(AS_SPELLED.values())


AMBIGUOUS = {
    "a=%00": 422,
    "a=%": 422,
    "a=%zz": 422,
    "a=%ff": 422,
    "a=%c0%af": 422,
    "cursor=%ff%00zz": 422,
    "a=\xfc": 400,
    "a=" + "b" * 9000: 414,
}


async def test_a_query_that_two_readers_read_differently_is_refused(
    door: Door, upstream: Upstream
) -> None:
    async def status(query: str) -> int:
        return (await door.raw(door.head("GET", f"/things?{query}", "Connection: close"))).status

    assert {query: await status(query) for query in AMBIGUOUS} == AMBIGUOUS
    assert upstream.asked == []


@pytest.mark.parametrize("length", [7000, 100 * 1024])
async def test_an_address_as_long_as_a_letter_is_refused(door: Door, length: int) -> None:
    """http-15."""
    answer = await door.raw(door.head("GET", "/" + "a" * length, "Connection: close"))

    assert answer.status == 414


async def test_what_is_not_there_is_said_in_the_one_shape(door: Door, upstream: Upstream) -> None:
    """S1-41."""
    async with door.client() as client:
        answer = await client.get("/api/nothing")

    body = answer.json()
    assert (answer.status_code, body["status"], body["error"]["code"]) == (
        404,
        "error",
        "NOT_FOUND",
    )
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


ALLOWED = {
    ("DELETE", "/things"): "GET, HEAD, POST",
    ("POST", "/things/1"): "DELETE, GET, HEAD, PUT",
    ("TRACE", "/things"): "GET, HEAD, POST",
    ("OPTIONS", "/things"): "GET, HEAD, POST",
    ("PATCH", "/things/1"): "DELETE, GET, HEAD, PUT",
    ("HEAD", "/small"): "POST",
    ("POST", "/health"): "GET, HEAD",
    ("DELETE", "/healthz/"): "GET, HEAD",
    ("TRACE", "/version"): "GET, HEAD",
}


async def test_another_method_is_refused_with_those_there_are(
    door: Door, upstream: Upstream
) -> None:
    async with door.client() as client:
        answers = {each: await client.request(*each) for each in ALLOWED}

    assert {each: answer.headers["allow"] for each, answer in answers.items()} == ALLOWED
    for (method, _), answer in answers.items():
        assert answer.status_code == 405
        assert method == "HEAD" or answer.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert upstream.asked == []


NO_REQUESTS = [
    b"CONNECT 127.0.0.1:5432 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"FROB / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: \x00\r\n\r\n",
    b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n",
]


async def test_what_is_no_request_is_refused(door: Door) -> None:
    for request in NO_REQUESTS:
        async with door.socket() as (reader, writer), asyncio.timeout(5):
            writer.write(request)
            answer = Answer(await reader.read(500))
        assert answer.status in {400, 404, 405, 505}, request


TWO_OPINIONS = [
    ["Content-Length: 2", "Content-Length: 30"],
    ["Content-Length: 2", "Content-Length: 2"],
    ["Content-Length: 2, 30"],
    ["Content-Length: 4", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: 4"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: identity, chunked"],
    ["Transfer-Encoding: xchunked"],
    ["Transfer-Encoding: chunked, identity"],
    ["Transfer-Encoding : chunked"],
    ["Transfer-Encoding: gzip"],
    ["Content-Length: +2"],
    ["Content-Length: -1"],
    ["Content-Length: 0x2"],
    ["Content-Length: 99999999999999999999"],
]


async def test_where_a_body_ends_is_not_open_to_opinion(door: Door, upstream: Upstream) -> None:
    """http-01…05: request smuggling."""
    smuggled = b"0\r\n\r\n" + door.head("GET", "/things")
    for lines in TWO_OPINIONS:
        head = door.head("POST", "/things", "Content-Type: application/json", *lines)
        answer = await door.raw(head + smuggled)
        assert answer.status in {400, 413}, lines
        assert answer.text.count(b"HTTP/1.1 ") == 1, lines

    assert upstream.asked == []


async def test_a_chunk_of_two_to_the_sixty_four_is_refused(door: Door, upstream: Upstream) -> None:
    """http-06."""
    head = door.head(
        "POST", "/things", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    answer = await door.raw(head + b"10000000000000000\r\n")

    assert answer.status in {400, 413}


@pytest.mark.parametrize(
    "lines",
    [
        [f"X-{number}: a" for number in range(5000)],
        ["X-A: " + "a" * 128 * 1024],
        ["X-A: " + "a" * 4000] * 20,
    ],
)
async def test_more_headers_than_anybody_sends_are_refused(
    door: Door, upstream: Upstream, lines: list[str]
) -> None:
    """http-13, http-14."""
    answer = await door.raw(door.head("GET", "/things", *lines, "Connection: close"))

    assert answer.status in {400, 431}
    assert upstream.asked == []


async def test_a_websocket_is_refused_cleanly(door: Door) -> None:
    lines = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    async with door.socket() as (reader, writer):
        writer.write(door.head("GET", "/things", *lines))
        async with asyncio.timeout(5):
            answer = Answer(await reader.readuntil(b"\r\n\r\n"))

    assert answer.status in {200, 400, 403, 404, 426}
    async with door.client() as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_requests_in_a_row_on_one_connection_are_answered_in_order(
    door: Door, upstream: Upstream
) -> None:
    row = b"".join(door.head("GET", f"/things/{number}") for number in range(3))
    answer = await door.raw(row + door.head("GET", "/nothing", "Connection: close"))

    statuses = [part[:3] for part in answer.text.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"200", b"404"]
    assert [asked.target for asked in upstream.asked] == ["/things/0", "/things/1", "/things/2"]
