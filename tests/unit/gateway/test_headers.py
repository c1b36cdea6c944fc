import pytest

from libs.common.errors import AppError, BadRequest
from libs.common.tokens import InvalidToken
from services.gateway.domain.headers import PASSED_ON, RETURNED, Hosts, fields, lines, read
from services.gateway.domain.refusals import HeadersTooLarge, InvalidHost


def test_what_passes_is_a_list_and_nothing_on_it_names_a_person() -> None:
    given = [(name, b"x") for name in (*PASSED_ON, b"x-user-id", b"cookie", b"forwarded")]
    passed = read(given).passed_on

    assert set(passed[::4]) == PASSED_ON
    suspicious = ("x-", "user-id", "forward", "remote", "auth", "cookie", "deadline", "proxy")
    assert not [n for n in PASSED_ON if any(word in n.decode() for word in suspicious)]


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        (b"host", InvalidHost),
        (b"authorization", InvalidToken),
        (b"x-api-key", InvalidToken),
        (b"content-type", BadRequest),
        (b"content-encoding", BadRequest),
        (b"content-length", BadRequest),
        (b"transfer-encoding", BadRequest),
        (b"idempotency-key", BadRequest),
        (b"if-match", BadRequest),
    ],
)
def test_what_decides_is_said_once(name: bytes, refusal: type[AppError]) -> None:
    with pytest.raises(refusal):
        read([(name, b"a"), (b"accept", b"b"), (name, b"a")])


@pytest.mark.parametrize("coding", [b"gzip", b"identity, chunked", b"chunked, chunked", b""])
def test_the_one_transfer_coding_is_chunked(coding: bytes) -> None:
    assert read([(b"transfer-encoding", b"Chunked")]).said
    with pytest.raises(BadRequest):
        read([(b"transfer-encoding", coding)])


@pytest.mark.parametrize(
    "given",
    [[(b"x", b"")] * 101, [(b"x", b"a" * 65_536)], [(b"a" * 1000, b"b" * 1000)] * 40],
)
def test_headers_have_an_end(given: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(HeadersTooLarge):
        read(given)


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        (("*",), b"a"),
        (("*",), b"[::1]:80"),
        (("a.example",), b"A.Example.:8080"),
        (("a", "b"), b"b"),
    ],
)
def test_a_host_of_ours_is_let_in_however_it_is_spelled(
    allowed: tuple[str, ...], host: bytes
) -> None:
    hosts = Hosts(allowed)
    hosts.check(host)
    hosts.check(host)


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        (("a",), b"b"), (("a",), b"a.b"), (("a",), b"b.a"), (("a",), b""), (("*",), b""),
        (("*",), b"a:"), (("*",), b"a:1:2"), (("*",), b"a/b"), (("*",), b"a@b"),
        (("*",), b"\xff"), (("*",), b"a\tb"), (("*",), b"*"),
    ],
)  # fmt: skip
def test_another_host_is_not(allowed: tuple[str, ...], host: bytes) -> None:
    with pytest.raises(InvalidHost):
        Hosts(allowed).check(host)


def test_headers_are_written_and_read_again() -> None:
    given = [(b"etag", b'"1: 2"'), (b"vary", b""), (b"vary", b"Origin")]

    assert fields(lines(given)) == given
    assert lines([]) == b""


def test_nothing_between_two_machines_is_returned() -> None:
    between = {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}

    assert not between & RETURNED
