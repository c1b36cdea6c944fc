"""Headers: what comes in is read once and strictly; what goes on is on a list."""

import re
from collections.abc import Iterable, Sequence

from libs.common.errors import BadRequest
from libs.common.tokens import InvalidToken
from services.gateway.domain.refusals import HeadersTooLarge, InvalidHost

Header = tuple[bytes, bytes]
Lines = bytes
"""Headers as they stand on the wire, each line with its end."""

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
        b"idempotency-key", b"if-match", b"origin", b"range", b"transfer-encoding", b"x-api-key",
    }
)  # fmt: skip
"""Said twice, one reader takes the first and another the last."""

READ = ONCE | frozenset(
    {
        b"access-control-request-headers", b"access-control-request-method", b"connection",
        b"expect", b"te", b"traceparent", b"upgrade", b"x-forwarded-proto", b"x-request-id",
    }
)  # fmt: skip
"""What the door looks at."""

RETURNED = frozenset(
    {
        b"accept-ranges", b"allow", b"cache-control", b"content-disposition", b"content-encoding",
        b"content-language", b"content-range", b"content-security-policy", b"content-type",
        b"deprecation", b"etag", b"idempotency-replayed", b"last-modified", b"link", b"location",
        b"retry-after", b"sunset", b"vary", b"www-authenticate", b"x-accel-buffering",
    }
)  # fmt: skip
"""All that a client gets of an answer's headers; the rest is between a service and us."""

TRAILERS = frozenset({b"content-digest", b"repr-digest", b"server-timing"})
"""What may follow a body, in either direction."""

UPGRADED = frozenset(
    {
        b"sec-websocket-accept", b"sec-websocket-extensions", b"sec-websocket-key",
        b"sec-websocket-protocol", b"sec-websocket-version",
    }
)  # fmt: skip
"""What a WebSocket is agreed upon with."""

HOP = frozenset({b"connection", b"transfer-encoding"})
UNUSUAL = frozenset(
    {b"content-encoding", b"content-length", b"content-type", b"transfer-encoding", b"upgrade",
     b"x-api-key"}
)  # fmt: skip
"""Not said by who asks for something, with a token."""
FORWARDED_FOR = b"x-forwarded-for"
BESIDES = UPGRADED | {FORWARDED_FOR}
ORDINARY = frozenset({b"keep-alive", b"close", b"upgrade"})
"""What nearly everybody says of a connection; the rest names headers."""
CHUNKED = b"chunked"
NOSNIFF: Lines = b"x-content-type-options: nosniff\r\n"
"""Said with every answer, whoever gives it."""
_HOST = re.compile(
    rb"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]{2,45}\])"
    rb"(?::[0-9]{1,5})?"
)


class Heads:
    """A request's headers, read."""

    is_unusual = False
    """Whether something in it may decide what nearly never has to be decided."""
    upgrading: Sequence[bytes] = ()
    """The lines a WebSocket is asked for with, in pieces."""
    forwarded: Sequence[bytes] = ()
    """Each X-Forwarded-For, for whoever trusts the one that said it."""

    def __init__(self) -> None:
        self.said: dict[bytes, bytes] = {}
        """What the door itself looks at."""
        self.passed_on: list[bytes] = []
        """The lines that go on to the service, in pieces."""

    def note(self, name: bytes, value: bytes) -> None:
        """Keep what few requests have."""
        if name == FORWARDED_FOR:
            self.forwarded = (*self.forwarded, value)
        else:
            self.upgrading = (*self.upgrading, name, b": ", value, b"\r\n")

    def keep_back(self, connection: bytes) -> None:
        """Take out what was said for us alone (RFC 9110, section 7.6.1)."""
        nominated = {name.strip().lower() for name in connection.split(b",")}
        lines = [self.passed_on[at : at + 4] for at in range(0, len(self.passed_on), 4)]
        self.passed_on = [part for line in lines if line[0] not in nominated for part in line]


NO_HEADS = Heads()


def read(headers: Sequence[Header]) -> Heads:
    """The headers the door itself looks at, and those that are passed on.

    Raises HeadersTooLarge, InvalidHost, InvalidToken, BadRequest.
    """
    size = 0
    heads = Heads()
    said, passed_on = heads.said, heads.passed_on
    for name, value in headers:
        size += len(name) + len(value)
        if name in PASSED_ON:
            passed_on += (name, b": ", value, b"\r\n")
        if name in READ:
            if name in said and name in ONCE:
                raise _said_twice(name)
            said[name] = value
        elif name in BESIDES:
            heads.note(name, value)
    if size > MAX_BYTES or len(headers) > MAX_HEADERS:
        raise HeadersTooLarge("The headers are too large.")
    if not HOP.isdisjoint(said):
        _check_hop(heads)
    heads.is_unusual = not UNUSUAL.isdisjoint(said)
    return heads


def _check_hop(heads: Heads) -> None:
    """What is between a client and us: how its body ends, and what it says for us alone."""
    said = heads.said
    if said.get(b"connection", b"close").lower() not in ORDINARY:
        heads.keep_back(said[b"connection"])
    if said.get(b"transfer-encoding", CHUNKED).lower() != CHUNKED:
        raise BadRequest("The one transfer coding here is chunked.")


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
        match = _HOST.fullmatch(host.strip(b" \t"))
        name = match["name"].lower().removesuffix(b".") if match else b""
        if not name or (not self._is_any and name not in self._allowed):
            raise InvalidHost("This is not the host you are looking for.")
        if len(self._known) < MAX_HEADERS:
            self._known.add(host)


def lines(headers: Iterable[Header]) -> Lines:
    """Headers as they are written."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def fields(written: Lines) -> list[Header]:
    """Headers as ASGI has them."""
    found = (line.partition(b": ") for line in written.split(b"\r\n")[:-1])
    return [(name, value) for name, _, value in found]


def allowed_trailers(trailers: Iterable[Header]) -> list[Header]:
    """What of the trailers goes on: nothing that says who somebody is."""
    return [(name, value) for name, value in trailers if name in TRAILERS]
