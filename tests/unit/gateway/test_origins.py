"""S3-02d, and security row 37: origins are listed one by one, and nothing else is let in."""

import pytest

from services.gateway.domain.headers import fields
from services.gateway.domain.origins import Origins

OURS = b"https://app.example"
ORIGINS = Origins(("https://app.example", "http://localhost:5173", "capacitor://localhost"))

OTHERS = [
    b"https://evil.example", b"null", b"", b"*", b"https://app.example.evil.example",
    b"https://evilapp.example", b"http://app.example", b"https://app.example:8443",
    b"https://app.example/", b"https://APP.example", b"https://app.example, https://evil.example",
    b"https://sub.app.example", b"https://user@app.example", b"http://localhost", b"\xff",
]  # fmt: skip


@pytest.mark.parametrize("origin", [OURS, b"http://localhost:5173", b"capacitor://localhost"])
def test_a_listed_origin_may_read(origin: bytes) -> None:
    headers = dict(fields(ORIGINS.lines(origin)))

    assert ORIGINS.is_allowed(origin)
    assert headers[b"access-control-allow-origin"] == origin
    assert headers[b"vary"] == b"Origin"
    exposed = {
        name.strip().lower() for name in headers[b"access-control-expose-headers"].split(b",")
    }
    assert exposed == {
        b"etag", b"location", b"retry-after", b"ratelimit", b"ratelimit-policy",
        b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset", b"x-request-id",
        b"idempotency-replayed", b"deprecation", b"sunset", b"link",
    }  # fmt: skip


@pytest.mark.parametrize("origin", OTHERS)
def test_no_other_origin_may(origin: bytes) -> None:
    assert not ORIGINS.is_allowed(origin)
    for told in (ORIGINS.lines(origin), ORIGINS.preflight(origin, ["GET"])):
        assert [name for name, _ in fields(told)] == [b"vary"]


def test_caches_are_told_even_when_no_page_asked() -> None:
    assert ORIGINS.lines(None) == b"vary: Origin\r\n"


@pytest.mark.parametrize("origin", [OURS, *OTHERS])
def test_nobody_is_let_in_by_default(origin: bytes) -> None:
    assert not Origins().is_allowed(origin)
    assert Origins().lines(origin) == Origins().preflight(origin, ["GET"]) == b""


def test_a_browser_that_asks_first_is_told_what_it_may_send() -> None:
    headers = dict(fields(ORIGINS.preflight(OURS, ["PUT", "GET"])))

    assert headers[b"access-control-allow-origin"] == OURS
    assert headers[b"access-control-allow-methods"] == b"GET, HEAD, PUT"
    assert headers[b"access-control-max-age"] == b"600"
    assert set(headers[b"access-control-allow-headers"].split(b", ")) == {
        b"authorization", b"content-type", b"idempotency-key", b"if-match", b"if-none-match",
        b"x-api-key", b"x-request-id", b"range", b"traceparent",
    }  # fmt: skip
    assert headers[b"vary"].startswith(b"Origin, ")


def test_cookies_are_never_asked_for() -> None:
    """Nobody is known here by a cookie, so that no page can act in somebody's name."""
    said = [*fields(ORIGINS.lines(OURS)), *fields(ORIGINS.preflight(OURS, ["GET"]))]

    assert b"access-control-allow-credentials" not in dict(said)


@pytest.mark.parametrize("origin", ["*", "https://*", "https://*.example", "*://app.example"])
def test_everybody_is_refused_at_start(origin: str) -> None:
    with pytest.raises(ValueError, match="would be everybody"):
        Origins((origin,))


@pytest.mark.parametrize(
    "origin",
    [
        "", "null", "app.example", "https://", "https://app.example/", "https://app.example/x",
        "https://app.example:443", "http://app.example:80", "https://user@app.example",
        "https://app.example?x", "https://app.example#x", "//app.example", "https://app..example",
        "https://नेपाल.example", "https://a.example, https://b.example", " https://app.example",
        "https://app.example\n", "https://app.example:0",
    ],
)  # fmt: skip
def test_what_no_browser_sends_is_refused_at_start(origin: str) -> None:
    with pytest.raises(ValueError, match="no origin as browsers send it"):
        Origins((origin,))


def test_an_origin_is_compared_as_browsers_spell_it() -> None:
    assert Origins(("HTTPS://App.Example",)).is_allowed(OURS)
