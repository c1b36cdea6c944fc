"""A request as it came: read once, before anything in it is believed."""

import re
from collections.abc import Sequence

from libs.common.ids import REQUEST_ID
from libs.common.principal import Principal
from services.gateway.domain import headers, targets
from services.gateway.domain.headers import NO_HEADS, Header, Heads, Lines
from services.gateway.domain.table import Entry
from services.gateway.domain.targets import ROOT

SMALL = 64 * 1024
"""A body no longer than this is gathered before it is passed on."""
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Asked:
    """What a client asks for, and what the door found out about it so far."""

    target = ROOT
    heads: Heads = NO_HEADS
    length: int | None = 0
    """How many bytes of body were promised; None when only the end will tell."""
    request_id: str | None = None
    """The id the client gave this request, if it is fit for a log."""
    traceparent = b""
    """The trace this belongs to (W3C Trace Context), if any."""
    entry: Entry | None = None
    token: bytes | None = None
    """What it shows the service: its own token, or the one its API key became."""
    principal: Principal | None = None
    told: Lines = b""
    """What the answer gets from the door, whatever it will be."""

    def __init__(self, method: str, peer: str) -> None:
        self.method = method
        self.peer = peer
        """The address the connection comes from."""
        self.address = peer
        """The address the client has, as far as it can be believed."""

    def read(self, target: bytes, given: Sequence[Header]) -> None:
        """Take the target and the headers in.

        Raises BadRequest, NotFound, UriTooLong, HeadersTooLarge, InvalidHost, InvalidToken.
        """
        self.target = targets.read(target)
        self.heads = heads = headers.read(given)
        said = heads.said
        if b"transfer-encoding" in said:
            self.length = None
        elif b"content-length" in said:
            self.length = int(said[b"content-length"])
        if b"x-request-id" in said and REQUEST_ID.fullmatch(said[b"x-request-id"]):
            self.request_id = said[b"x-request-id"].decode("ascii")
        if b"traceparent" in said and _TRACEPARENT.fullmatch(said[b"traceparent"]):
            self.traceparent = said[b"traceparent"]

    @property
    def is_small(self) -> bool:
        """Whether the body is worth gathering."""
        return self.length is not None and self.length <= SMALL

    @property
    def is_idempotent(self) -> bool:
        """Whether asking twice is asking once (RFC 9110, section 9.2.2)."""
        if self.method in IDEMPOTENT or b"idempotency-key" in self.heads.said:
            return True
        return self.entry is not None and self.entry.access.idempotent

    @property
    def is_upgrade(self) -> bool:
        """Whether a WebSocket is asked for, where there is one."""
        if self.entry is None or not self.entry.access.websocket:
            return False
        said = self.heads.said
        asks = b"upgrade" in said.get(b"connection", b"").lower()
        return asks and said.get(b"upgrade", b"").lower() == b"websocket"
