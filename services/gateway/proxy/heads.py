"""What a service is asked with."""

from functools import lru_cache

from services.gateway.domain.asking import Asked
from services.gateway.proxy.upstream import Upstream

WITH_BODIES = frozenset({"POST", "PUT", "PATCH"})
METHODS = {
    name: name.encode() + b" " for name in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
METHODS["HEAD"] = METHODS["GET"]
"""HEAD is for us to answer: the service is asked with GET."""


@lru_cache(maxsize=1024)
def _deadline(seconds: float) -> bytes:
    return b"x-deadline: %.3f\r\nx-request-id: " % seconds


def _client_of(asked: Asked) -> bytes | None:
    """What a program says of itself where tokens are handed out by form (RFC 6749, 2.3.1)."""
    given = asked.heads.said.get(b"authorization")
    if (
        given is None
        or asked.entry is None
        or not (asked.entry.is_open and asked.entry.access.form)
    ):
        return None
    return given if given[:6].lower() == b"basic " else None


def request_head(
    asked: Asked, upstream: Upstream, request_id: str, seconds: float, body: bytes | None
) -> bytes:
    """The head of a request to `upstream`, and the body behind it if that is small."""
    parts = [
        METHODS[asked.method],
        upstream.prefix,
        asked.target.passed_on,
        upstream.first_lines,
        _deadline(max(0.0, round(seconds, 3))),
        request_id.encode(),
        b"\r\n",
        *asked.heads.passed_on,
    ]
    if asked.token is not None:
        parts += (b"authorization: Bearer ", asked.token, b"\r\n")
    elif (basic := _client_of(asked)) is not None:
        parts += (b"authorization: ", basic, b"\r\n")
    if asked.traceparent:
        parts += (b"traceparent: ", asked.traceparent, b"\r\n")
    if asked.is_upgrade:
        parts += (b"connection: Upgrade\r\nupgrade: websocket\r\n", *asked.heads.upgrading)
    elif asked.length is None:
        parts.append(b"transfer-encoding: chunked\r\n")
    elif asked.length or asked.method in WITH_BODIES:
        parts.append(b"content-length: %d\r\n" % asked.length)
    parts.append(b"\r\n")
    if body:
        parts.append(body)
    return b"".join(parts)
