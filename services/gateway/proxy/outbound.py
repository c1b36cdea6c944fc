"""The answer a client gets: one head, framed so that its end cannot be mistaken."""

import asyncio
from collections.abc import Iterable, Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from services.gateway.domain.headers import Header, allowed_trailers

BODILESS = frozenset({204, 304})
CLOSE = (b"connection", b"close")


class Outbound:
    """Writes one answer. `is_kept` says whether the connection is good for another."""

    __slots__ = (
        "_is_chunked", "_is_http_1_0", "_takes_trailers", "_transport",
        "is_begun", "is_complete", "is_head", "is_kept", "sent", "status",
    )  # fmt: skip

    def __init__(
        self, transport: asyncio.Transport, *, is_head: bool, is_http_1_0: bool, is_kept: bool
    ) -> None:
        self._transport = transport
        self.is_head = is_head
        self._is_http_1_0 = is_http_1_0
        self._is_chunked = False
        self._takes_trailers = False
        self.is_kept = is_kept
        self.is_begun = False
        self.is_complete = False
        self.status = 0
        self.sent = 0
        """Bytes of body so far."""

    def whole(self, status: int, headers: Iterable[Header], body: bytes) -> None:
        """All of it at once."""
        head = self._head(status, headers, None if status in BODILESS else len(body))
        if self.is_head or status in BODILESS:
            body = b""
        self.sent = len(body)
        self.is_complete = True
        self._transport.write(head + body if body else head)

    def begin(
        self,
        status: int,
        headers: Iterable[Header],
        length: int | None,
        *,
        trailers: bool = False,
    ) -> None:
        """The head; the body follows in pieces. Without a length, its end is marked otherwise."""
        framing: list[Header] = []
        if length is None and not self.is_head:
            if self._is_http_1_0:
                self.is_kept = False
            else:
                self._is_chunked = True
                self._takes_trailers = trailers
                framing.append((b"transfer-encoding", b"chunked"))
        self._transport.write(self._head(status, [*headers, *framing], length))

    def chunk(self, data: bytes) -> None:
        """More of the body."""
        if self.is_head:
            return
        self.sent += len(data)
        if self._is_chunked:
            self._transport.writelines((b"%x\r\n" % len(data), data, b"\r\n"))
        else:
            self._transport.write(data)

    def end(self, trailers: Sequence[Header] = ()) -> None:
        """The end of the body."""
        self.is_complete = True
        if self._is_chunked:
            kept = allowed_trailers(trailers) if self._takes_trailers else []
            self._transport.write(b"0\r\n" + lines(kept) + b"\r\n")

    def hint(self, headers: Iterable[Header]) -> None:
        """Early hints (RFC 8297), to whoever understands them."""
        if not self._is_http_1_0:
            links = [header for header in headers if header[0] == b"link"]
            self._transport.write(b"HTTP/1.1 103 Early Hints\r\n" + lines(links) + b"\r\n")

    def switch(self, headers: Iterable[Header]) -> None:
        """From here on it is a WebSocket."""
        self.is_begun = True
        self.status = 101
        self.is_kept = False
        agreed = [*headers, (b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
        self._transport.write(STATUS_LINE[101] + lines(agreed) + b"\r\n")

    def _head(self, status: int, headers: Iterable[Header], length: int | None) -> bytes:
        self.is_begun = True
        self.status = status
        parts = [STATUS_LINE[status]]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        if length is not None:
            parts.append(b"content-length: %d\r\n" % length)
        if not self.is_kept:
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        return b"".join(parts)


def lines(headers: Iterable[Header]) -> bytes:
    """Header lines, without the empty one that ends them."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)
