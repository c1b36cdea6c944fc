"""The answer a client gets: one head, framed so that its end cannot be mistaken."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from services.gateway.domain.headers import Header, Lines, allowed_trailers, lines
from services.gateway.proxy.answer import BODILESS

Write = Callable[[bytes], None]


class Outbound:
    """Writes one answer. `is_kept` says whether the connection is good for another."""

    is_begun = False
    is_complete = False
    status = 0
    sent = 0
    """Bytes of body so far."""
    _is_chunked = False
    _takes_trailers = False

    def __init__(
        self, transport: asyncio.Transport, *, is_head: bool, is_http_1_0: bool, is_kept: bool
    ) -> None:
        self._transport = transport
        self.is_head = is_head
        self._is_http_1_0 = is_http_1_0
        self.is_kept = is_kept

    def whole(
        self, status: int, headers: Iterable[bytes], body: bytes, *, write: Write | None = None
    ) -> None:
        """All of it at once; `headers` are lines, whole or in pieces."""
        is_bodiless = status in BODILESS
        parts = self._head(status, headers, None if is_bodiless else len(body))
        if body and not self.is_head and not is_bodiless:
            self.sent = len(body)
            parts.append(body)
        self.is_complete = True
        (write or self._transport.write)(b"".join(parts))

    def begin(
        self,
        status: int,
        headers: Iterable[bytes],
        length: int | None,
        *,
        trailers: bool = False,
    ) -> None:
        """The head; the body follows in pieces. Without a length, its end is marked otherwise."""
        if length is None and not self.is_head:
            if self._is_http_1_0:
                self.is_kept = False
            else:
                self._is_chunked = True
                self._takes_trailers = trailers
                headers = [*headers, b"transfer-encoding: chunked\r\n"]
        self._transport.write(b"".join(self._head(status, headers, length)))

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

    def hint(self, links: Lines) -> None:
        """Early hints (RFC 8297), to whoever understands them."""
        if not self._is_http_1_0:
            self._transport.write(b"HTTP/1.1 103 Early Hints\r\n" + links + b"\r\n")

    def switch(self, headers: Iterable[bytes]) -> None:
        """From here on it is a WebSocket."""
        self.is_begun = True
        self.status = 101
        self.is_kept = False
        agreed = (*headers, b"connection: Upgrade\r\nupgrade: websocket\r\n\r\n")
        self._transport.write(STATUS_LINE[101] + b"".join(agreed))

    def _head(self, status: int, headers: Iterable[bytes], length: int | None) -> list[bytes]:
        self.is_begun = True
        self.status = status
        parts = [STATUS_LINE[status], *headers]
        if length is not None:
            parts.append(b"content-length: %d\r\n" % length)
        if not self.is_kept:
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        return parts
