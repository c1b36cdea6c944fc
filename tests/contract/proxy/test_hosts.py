"""Host: one name, well-formed, of ours; and behind us always the service's own."""

import pytest

from tests.contract.proxy.conftest import OpenDoor
from tests.contract.proxy.door import Door
from tests.contract.proxy.messages import Message, read_answer
from tests.contract.proxy.upstream import Upstream

GOOD = ["test", "TEST", "test:8000", "test.", "127.0.0.1", "127.0.0.1:80", "[::1]:80", " test "]
BAD = [
    "", " ", "evil", "test.evil", "eviltest", "evil.test", ".test", "test..", "-test", "test/",
    "test/things", "test/../internal", "test/health?", "test?", "test?x=/", "test#", "test#@evil",
    "test@evil", "evil@test", "user:pass@test", "test:80@evil", "test:port", "test:", "test:0x50",
    "test:-1", "test:80:80", "test:999999", "test evil", "test,evil", "test, test", "test;evil",
    "test\\evil", "test%00", "test%2fevil", "test%20", "test\0", "test\x7f", "test\xe9",
    "[::1", "::1", "[::1]evil", "[test]", "<script>", "test'", 'test"', "http://test", "//test",
    "0x7f.1/", "test\tevil", "*", "_", "a" * 300,
]  # fmt: skip


def _head(door: Door, *lines: str, target: str = "/things", version: str = "1.1") -> bytes:
    head = [f"GET {target} HTTP/{version}", *lines, door.auth, "Connection: close", "", ""]
    return "\r\n".join(head).encode("latin-1")


@pytest.fixture
async def door(open_door: OpenDoor) -> Door:
    return await open_door(allowed_hosts=("test", "127.0.0.1", "[::1]"))


async def _say(door: Door, request: bytes) -> Message:
    wire = await door.connect()
    await wire.send(request)
    return await read_answer(wire)


@pytest.mark.parametrize("host", GOOD)
async def test_a_name_of_ours_is_answered_and_stays_outside(
    door: Door, upstream: Upstream, host: str
) -> None:
    """Issue 3, data path: the Host allow-list."""
    got = await _say(door, _head(door, f"Host: {host}"))

    assert got.status == 200
    assert upstream.requests[0].values("host") == [f"127.0.0.1:{upstream.port}"]


@pytest.mark.parametrize("host", BAD, ids=ascii)
@pytest.mark.parametrize("target", ["/things", "/version"])
async def test_any_other_name_is_refused(
    door: Door, upstream: Upstream, host: str, target: str
) -> None:
    """reliability row 23, CVE-2026-48710."""
    got = await _say(door, _head(door, f"Host: {host}", target=target))

    assert got.status in {400, 421}
    assert upstream.heads == []


TWO = [
    [],
    ["Host: test", "Host: test"],
    ["Host: test", "Host: evil"],
    ["Host: evil", "Host: test"],
    ["Host: test", "host: evil"],
    ["Host: test, evil"],
    ["Host : test"],
    ["Host:", "Host: test"],
    ["Host: test", " evil"],
    ["X-Forwarded-Host: test"],
    ["Host: evil", "X-Forwarded-Host: test"],
    ["Host: evil", "X-Host: test", "Forwarded: host=test"],
    ["Host: evil", ":authority: test"],
]


@pytest.mark.parametrize("lines", TWO)
async def test_no_name_and_two_names_are_refused(
    door: Door, upstream: Upstream, lines: list[str]
) -> None:
    """http-09."""
    got = await _say(door, _head(door, *lines))

    assert got.status in {400, 421}
    assert upstream.heads == []


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://evil/things", "test"),
        ("http://evil/things", "evil"),
        ("http://test/things", "evil"),
        ("http://test@evil/things", "test"),
        ("http://evil@test/things", "test"),
        ("http://evil:80/things", "test"),
        ("http://test.evil/things", "test"),
        ("http://test%2eevil/things", "test"),
        ("http://evil#@test/things", "test"),
        ("http://evil\\@test/things", "test"),
        ("http:///things", "test"),
    ],
)
async def test_a_name_in_the_target_counts_as_one(
    door: Door, upstream: Upstream, target: str, host: str
) -> None:
    """RFC 9112 3.2.2: who reads the target's name and who reads Host would differ."""
    got = await _say(door, _head(door, f"Host: {host}", target=target))

    assert got.status in {400, 404, 421}
    assert upstream.heads == []


@pytest.mark.parametrize("lines", [["Host: test"], []])
async def test_an_old_client_names_one_too(
    door: Door, upstream: Upstream, lines: list[str]
) -> None:
    """A list of names that can be left out is none."""
    got = await _say(door, _head(door, *lines, version="1.0"))

    assert got.status == (200 if lines else 400)


async def test_what_is_said_of_the_host_by_others_is_not_heard(
    door: Door, upstream: Upstream
) -> None:
    lines = ["Host: test", "X-Forwarded-Host: evil", "Forwarded: host=evil", "X-Host: evil"]
    got = await _say(door, _head(door, *lines))

    assert got.status == 200
    assert b"evil" not in upstream.seen
