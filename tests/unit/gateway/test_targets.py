import pytest

from libs.common.errors import AppError, BadRequest, NotFound
from services.gateway.domain.refusals import UriTooLong
from services.gateway.domain.targets import clean


@pytest.mark.parametrize(
    ("raw", "passed_on", "looked_up"),
    [
        (b"/", b"/", "/"),
        (b"/a", b"/a", "/a"),
        (b"/a/", b"/a", "/a"),
        (b"/a/b.c~d_e-f", b"/a/b.c~d_e-f", "/a/b.c~d_e-f"),
        (b"/.well-known/jwks.json", b"/.well-known/jwks.json", "/.well-known/jwks.json"),
        (b"/a%20b", b"/a%20b", "/a b"),
        (b"/%E0%A5%A7/", b"/%E0%A5%A7", "/\u0967"),
        (b"/a%2541", b"/a%2541", "/a%41"),
        (b"/a...b", b"/a...b", "/a...b"),
        (b"/...", b"/...", "/..."),
    ],
)
def test_a_path_is_passed_on_as_spelled_and_looked_up_as_meant(
    raw: bytes, passed_on: bytes, looked_up: str
) -> None:
    assert clean(raw, b"") == (passed_on, looked_up)


@pytest.mark.parametrize(
    "raw",
    [
        b"a", b"//", b"//a", b"/a//", b"/a//b", b"/.", b"/..", b"/a/.", b"/a/../b", b"/./a",
        b"/%2e", b"/%2E%2e/a", b"/.%2e/a", b"/a%2fb", b"/a%2Fb", b"/a%5cb", b"/a\\b", b"/a%00",
        b"/a%0a", b"/a%7f", b"/%c0%af", b"/%e0%80%af", b"/%ed%a0%80", b"/%ff", b"/\xff", b"/a b",
        b"/a?b", b"/a#b", b"*", b"/%E2%80%8B", b"/%E2%80%AE",
    ],
)  # fmt: skip
def test_a_path_that_could_be_read_in_two_ways_is_none(raw: bytes) -> None:
    with pytest.raises(NotFound):
        clean(raw, b"")


@pytest.mark.parametrize("raw", [b"/%", b"/a%2", b"/%zz", b"/%%41", b"/a/%u0041"])
def test_an_escape_that_is_none_is_malformed(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        clean(raw, b"")


@pytest.mark.parametrize(
    ("raw", "query"), [(b"/" + b"a" * 7000, b""), (b"/a", b"b" * 9000), (b"/%41" * 2000, b"")]
)
def test_an_address_may_be_as_long_as_services_read(raw: bytes, query: bytes) -> None:
    with pytest.raises(UriTooLong):
        clean(raw, query)


def test_a_hostile_path_takes_no_time() -> None:
    """The patterns have no two ways to match one text."""
    for raw in (b"/a." * 2000 + b"\x00", b"/%41" * 1500 + b"\x00", b"/" * 6000, b"/." * 3000):
        with pytest.raises(AppError):
            clean(raw, b"")
