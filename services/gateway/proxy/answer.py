"""The answer of a service, as llhttp reads it.

What a service sends is believed as little as what a client sends: a head has a size, and framing
that two readers could read differently breaks the connection.
"""

from collections.abc import Callable

import httptools

from services.gateway.domain.breaking import AWAY, is_failure
from services.gateway.domain.headers import RETURNED, Header, Lines

MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 200
FEW_BYTES = 4 * MAX_FIELDS
"""Too few for a head to be too large in any way."""
MAX_HINTS = 16
SHORT = 64 * 1024
"""An answer that says it is no longer than this is handed on in one piece."""
SWITCHING = 101
EARLY_HINTS = 103
FIRST_FINAL = 200
VERSIONS = frozenset({"1.0", "1.1"})
"""Of HTTP, on either side."""
BODILESS = frozenset({204, 304})
"""Answers that have no body, whatever their headers say."""
PIECES = 4
"""Of a header line: name, colon, value, end."""

Sink = Callable[[bytes], None]


class Answer:
    """One answer after another, each as far as it came."""

    def __init__(self) -> None:
        self.is_tunnel = False
        """Whether what follows is no HTTP."""
        self.body: list[bytes] = []
        self._sink: Sink | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._forget()

    def _forget(self) -> None:
        """Make room for the next one."""
        self.status = 0
        self.returned: list[bytes] = []
        """The header lines a client gets, in pieces."""
        self.fields: list[Header] = []
        """The other headers: they are between a service and us."""
        self.hints: tuple[Lines, ...] = ()
        """The links of answers that said there is more to come."""
        self.trailers: tuple[Header, ...] = ()
        self.length: int | None = None
        self.is_head_over = self.is_complete = self.is_kept = False
        self.is_short = False
        """Whether the whole answer is waited for before any of it is handed on."""
        self._is_chunked = False
        self._head_bytes = self._hints = 0

    @property
    def content(self) -> bytes:
        """All that came of the body and was not poured."""
        return self.body[0] if len(self.body) == 1 else b"".join(self.body)

    @property
    def is_ready(self) -> bool:
        """Whether there is something to hand on."""
        is_under_way = self.is_head_over and not self.is_short
        return self.is_complete or is_under_way or self.is_tunnel

    @property
    def is_good(self) -> bool:
        """Whether the answer is one: not that somebody behind the service is away."""
        if self.status not in AWAY:
            return True
        names = self.returned[::PIECES]
        return not is_failure(self.status, has_retry_after=b"retry-after" in names)

    @property
    def is_touched(self) -> bool:
        """Whether the service has said anything to this call."""
        return self._head_bytes > 0

    # httptools

    def on_message_begin(self) -> None:
        if self.is_complete:
            self.is_kept = False
            raise ValueError("more than was asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if not self.is_head_over:
            if name in RETURNED:
                self.returned += (name, b": ", value, b"\r\n")
            else:
                self.fields.append((name, value))
        elif len(self.trailers) < MAX_FIELDS:
            self.trailers = (*self.trailers, (name, value))
        else:
            raise ValueError("no end of trailers")

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser.get_http_version() not in VERSIONS:
            raise ValueError("another protocol")
        self.status = parser.get_status_code()
        if self._head_bytes > FEW_BYTES:
            self._check_size()
        if self.status < FIRST_FINAL:
            self._hint()
            return
        self._read_framing()
        self.is_head_over = True
        self.is_kept = parser.should_keep_alive() and not parser.should_upgrade()

    def on_body(self, chunk: bytes) -> None:
        if self._sink:
            self._sink(chunk)
        else:
            self.body.append(chunk)

    def on_message_complete(self) -> None:
        if self.is_head_over:
            self.is_complete = True

    def _check_size(self) -> None:
        """The head may have come together with some of the body."""
        size = 0
        if self._head_bytes > MAX_HEAD_BYTES:
            size = sum(len(name) + len(value) for name, value in self.fields)
            size += sum(map(len, self.returned))
        count = len(self.fields) + len(self.returned) // PIECES
        if size > MAX_HEAD_BYTES or count > MAX_FIELDS:
            raise ValueError("no end of headers")

    def _read_framing(self) -> None:
        """Where the answer ends, which one header says and no other."""
        for name, value in self.fields:
            if name == b"content-length":
                if self.length is not None:
                    raise ValueError("two lengths")
                self.length = int(value)
            elif name == b"transfer-encoding":
                if value.lower() != b"chunked" or self._is_chunked:
                    raise ValueError("a coding nobody asked for")
                self._is_chunked = True
        is_small = self.length is not None and self.length <= SHORT
        self.is_short = is_small or self.status in BODILESS

    def _hint(self) -> None:
        self._hints += 1
        if self._hints > MAX_HINTS:
            raise ValueError("nothing but hints")
        if self.status == SWITCHING:
            self.is_tunnel = True
            return
        if self.status == EARLY_HINTS:
            pieces = [
                self.returned[at : at + PIECES] for at in range(0, len(self.returned), PIECES)
            ]
            links = b"".join(b"".join(line) for line in pieces if line[0] == b"link")
            self.hints = (*self.hints, links)
        self.returned, self.fields = [], []
