"""Headers: what comes in is read once and strictly; what goes on is on a list."""

import re
from collections.abc import Iterable

from libs.common.errors import BadRequest
from libs.common.tokens import InvalidToken
from services.gateway.domain.refusals import HeadersTooLarge, InvalidHost

Header = tuple[bytes, bytes]

MAX_HEADERS = 100
MAX_BYTES = 64 * 1024

PASSED_ON = frozenset(
    {
        b"accept", b"accept-language", b"cache-control", b"content-disposition",
        b"content-encoding", b"content-language", b"content-type", b"idempotency-key",
        b"if-match", b"if-modified-since", b"if-none-match", b"if-range",
        b"if-unmodified-since", b"last-event-id", b"origin", b"prefer", b"range", b"user-agent",
    }
)  # fmt: skip
"""All that reaches a service. A list of what may pass forgets nothing; a list of what may not
(X-User-Id, x_user_id, Forwarded, Remote-User …) is never complete."""

ONCE = frozenset(
    {
        b"authorization", b"content-encoding", b"content-length", b"content-type", b"host",
        b"idempotency-key", b"if-match", b"range", b"transfer-encoding", b"x-api-key",
    }
)  # fmt: skip
"""Said twice, one reader takes the first and another the last."""

RETURNED = frozenset(
    {
        b"accept-ranges", b"allow", b"cache-control", b"content-disposition", b"content-encoding",
        b"content-language", b"content-length", b"content-range", b"content-security-policy",
        b"content-type", b"deprecation", b"etag", b"idempotency-replayed", b"last-modified",
        b"link", b"location", b"ratelimit", b"ratelimit-policy", b"retry-after", b"sunset",
        b"vary", b"www-authenticate", b"x-content-type-options",
    }
)  # fmt: skip
"""All that a client gets of an answer's headers; the rest is between a service and us."""

CHUNKED = b"chunked"
NOSNIFF = (b"x-content-type-options", b"nosniff")
_HOST = re.compile(
    rb"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]{2,45}\])"
    rb"(?::[0-9]{1,5})?"
)


def read(headers: Iterable[Header]) -> tuple[dict[bytes, bytes], list[tuple[str, str]]]:
    """The headers the door itself looks at, and those that are passed on.

    Raises HeadersTooLarge, InvalidHost, InvalidToken, BadRequest.
    """
    size = count = 0
    once: dict[bytes, bytes] = {}
    passed: list[tuple[str, str]] = []
    for name, value in headers:
        count += 1
        size += len(name) + len(value)
        if name in ONCE:
            if name in once:
                raise _said_twice(name)
            once[name] = value
        if name in PASSED_ON:
            passed.append((name.decode("ascii"), value.decode("latin-1")))
    if size > MAX_BYTES or count > MAX_HEADERS:
        raise HeadersTooLarge("The headers are too large.")
    if once.get(b"transfer-encoding", CHUNKED).lower() != CHUNKED:
        raise BadRequest("The one transfer coding here is chunked.")
    return once, passed


def _said_twice(name: bytes) -> Exception:
    if name == b"host":
        return InvalidHost("Name one host.")
    if name in {b"authorization", b"x-api-key"}:
        return InvalidToken("Send one token.")
    return BadRequest("A header is said twice.", header=name.decode("ascii"))


class Hosts:
    """The names this door answers to."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = {name.lower().encode() for name in allowed}
        self._is_any = b"*" in self._allowed
        self._known: set[bytes] = set()

    def check(self, host: bytes) -> None:
        """Raises InvalidHost unless `host` is well-formed and one of ours."""
        if host in self._known:
            return
        match = _HOST.fullmatch(host)
        name = match["name"].lower().removesuffix(b".") if match else b""
        if not name or (not self._is_any and name not in self._allowed):
            raise InvalidHost("This is not the host you are looking for.")
        if len(self._known) < MAX_HEADERS:
            self._known.add(host)


def returned(headers: Iterable[Header], *, with_length: bool) -> list[Header]:
    """The headers of an answer as the client gets them."""
    kept = []
    is_marked = False
    for given, value in headers:
        name = given.lower()
        if name not in RETURNED or (name == b"content-length" and not with_length):
            continue
        is_marked = is_marked or name == NOSNIFF[0]
        kept.append((name, value))
    if not is_marked:
        kept.append(NOSNIFF)
    return kept
