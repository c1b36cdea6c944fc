"""The body a client sends: gathered while it is small, poured on while it is not."""

import sys
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl

from libs.common.errors import TooLarge
from services.gateway.domain.headers import Header, allowed_trailers

MAX_TRAILING = 8 * 1024
HIGH_WATER = 64 * 1024
"""What is held of a body nobody takes yet; then the client is not read from."""


class Inbound:
    """Counts what comes. Past `limit` bytes it is refused."""

    taken = 0
    limit = sys.maxsize
    """Bytes it may have; before somebody is admitted, little of it is read anyway."""
    _trailing = 0
    _is_unwanted = False
    _sink: Callable[[bytes], None] | None = None
    _at_end: Callable[[], None] | None = None

    def __init__(self, flow: FlowControl | None, *, is_complete: bool = False) -> None:
        self._flow = flow
        self._chunks: list[bytes] = []
        self.is_complete = is_complete
        self.trailers: list[Header] = []
        """What came behind it."""

    def feed(self, chunk: bytes) -> None:
        """More of it came. Raises TooLarge."""
        self.taken += len(chunk)
        if self._is_unwanted:
            return
        self._check()
        if self._sink:
            self._sink(chunk)
        else:
            self._chunks.append(chunk)
            if self._flow and self.taken > HIGH_WATER:
                self._flow.pause_reading()

    def trail(self, header: Header) -> None:
        """A header came behind it. Raises ValueError when there is no end of them."""
        self._trailing += len(header[0]) + len(header[1])
        if self._trailing > MAX_TRAILING:
            raise ValueError("no end of trailers")
        self.trailers.append(header)

    def end(self) -> None:
        """All of it came."""
        self.is_complete = True
        if self._at_end:
            self._at_end()

    def whole(self) -> bytes:
        """What was gathered. Raises TooLarge."""
        self._check()
        return b"".join(self._chunks)

    def pour_into(self, sink: Callable[[bytes], None], *, at_end: Callable[[], None]) -> None:
        """Hand what came, and what comes, to `sink`. Raises TooLarge."""
        self._check()
        self._sink = sink
        self._at_end = at_end
        chunks, self._chunks = self._chunks, []
        for chunk in chunks:
            sink(chunk)
        if self.is_complete:
            at_end()
        if self._flow:
            self._flow.resume_reading()

    def refuse(self) -> None:
        """Take nothing of it any more."""
        self._is_unwanted = True
        self._sink = self._at_end = None
        self._chunks.clear()

    @property
    def kept_trailers(self) -> list[Header]:
        """What of the trailers goes on."""
        return allowed_trailers(self.trailers)

    def _check(self) -> None:
        if self.taken > self.limit:
            self.refuse()
            raise TooLarge("The request is too large.", limit=self.limit)


NOTHING = Inbound(None, is_complete=True)
"""The body of every request that has none."""
