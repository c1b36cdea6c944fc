"""Which web pages of other origins may read our answers (CORS): those that are listed."""

import re
from collections.abc import Iterable

from services.gateway.domain.headers import Lines, lines

EXPOSED = (
    b"ETag, Location, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, "
    b"X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-ID, Idempotency-Replayed, "
    b"Deprecation, Sunset, Link"
)
SENT = (
    b"authorization, content-type, idempotency-key, if-match, if-none-match, x-api-key, "
    b"x-request-id, range, traceparent"
)
MAX_AGE = b"600"
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_IMPLIED = {("http", "80"), ("https", "443")}
_VARY: Lines = b"vary: Origin\r\n"
_VARY_ASKED = (
    b"vary",
    b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
)


class Origins:
    """The origins of an installation; none by default.

    Raises ValueError for `*`, which would be everybody, and for what no browser would send.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._answers: dict[bytes, Lines] = {}
        for text in allowed:
            origin = _read(text)
            told = [
                (b"access-control-allow-origin", origin),
                (b"access-control-expose-headers", EXPOSED),
            ]
            self._answers[origin] = lines(told) + _VARY

    def is_allowed(self, origin: bytes) -> bool:
        """Whether pages of `origin` may read what we answer."""
        return origin in self._answers

    def lines(self, origin: bytes | None) -> Lines:
        """What is added to an answer. Caches are told that it depends on who asked."""
        if not self._answers:
            return b""
        return self._answers.get(origin, _VARY) if origin else _VARY

    def preflight(self, origin: bytes, methods: Iterable[str]) -> Lines:
        """The answer to a browser that asks before it sends; `methods` are those of the route.

        It holds all that may be sent, whatever was asked: the browser compares.
        """
        if not self.is_allowed(origin):
            return lines([_VARY_ASKED] if self._answers else [])
        offered = set(methods) | ({"HEAD"} if "GET" in methods else set())
        told = [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", ", ".join(sorted(offered)).encode("ascii")),
            (b"access-control-allow-headers", SENT),
            (b"access-control-max-age", MAX_AGE),
            _VARY_ASKED,
        ]
        return lines(told)


def _read(text: str) -> bytes:
    if "*" in text:
        raise ValueError(f"The origin {text!r} would be everybody: name each one.")
    match = _ORIGIN.fullmatch(text.lower())
    if match is None or (match["scheme"], match["port"]) in _IMPLIED:
        raise ValueError(f"{text!r} is no origin as browsers send it: https://name or with :port.")
    return text.lower().encode("ascii")
