"""How a client's connection ends: whoever is owed an answer gets it, and gets to read it.

A quiet connection just ends. One side closed, a head that does not come, a request that is none and
a door that closes do not: each has its last word.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from libs.common.clock import monotonic
from services.gateway.proxy.exchange import Exchange

if TYPE_CHECKING:
    from services.gateway.proxy.front import Front

HALF_CLOSED_SECONDS = 1.0
"""Who closed its side gets an answer that comes as soon as that; the others have left."""
LINGER_SECONDS = 1.0
NEVER = float("inf")
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
MALFORMED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Parting(HttpToolsProtocol):
    """uvicorn's connection, with an end of our own."""

    front: "Front"
    cycle: Any
    """The request that was read last: ours, or uvicorn's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.front = self.config.app.front  # type: ignore[union-attr]
        self.until = NEVER
        """When the sweeper ends the connection."""
        self.answering: Exchange | None = None
        self._own: Any = None
        """The cycle of uvicorn's that is being answered, when it is not one of ours."""
        self._sink: Callable[[bytes], None] | None = None
        """Who takes what comes, when it is no request any more."""
        self._held = b""
        """The end of what is said here, until this turn ends or more is to be said."""
        self._is_in_head = False
        self._is_leaving = False
        self._is_closing = False
        self._patience = 0

    def write_later(self, answer: bytes) -> None:
        """Write all of an answer when the turn ends."""
        self._held = answer
        self.front.turn.ends_with(self._send_held)

    def _send_held(self) -> None:
        held, self._held = self._held, b""
        if held and not self.transport.is_closing():
            self.transport.write(held)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Its side is closed: it may still wait for the answer it asked for, or be gone."""
        self._send_held()
        if self._sink or not self._is_owed:
            return False
        self.cycle.keep_alive = False
        self.loop.call_later(HALF_CLOSED_SECONDS, self._go)
        return True

    @property
    def _is_owed(self) -> bool:
        """Whether all of a request came, and not all of its answer went."""
        if self.answering:
            return self.answering.inbound.is_complete
        return self._own is not None and not self._own.more_body

    def _go(self) -> None:
        if self.answering:
            self.answering.gone()
        else:
            self.transport.close()

    def tire(self) -> None:
        """It took too long: an unfinished head is told so, a quiet connection is not."""
        self._send_held()
        if self._is_in_head and not self._is_closing:
            self._refuse(TOO_SLOW)
        else:
            self.transport.abort()

    def _refuse(self, answer: bytes) -> None:
        """Say no to what is no request, unless an answer is under way: then that is the last."""
        if self.answering or self._own:
            (self.answering or self._own).keep_alive = False
            self.flow.pause_reading()
            return
        self.transport.write(answer)
        self._linger()

    def _linger(self, patience: int = 0) -> None:
        """Close our side, and give the other a moment to read what it was told.

        What it still sends is thrown away, up to `patience` bytes of it.
        """
        self._is_closing = True
        self._sink = self._discard
        self._patience = patience
        if patience > 0:
            self.flow.resume_reading()
        else:
            self.flow.pause_reading()
        self.until = monotonic() + LINGER_SECONDS
        self.transport.write_eof()

    def _discard(self, data: bytes) -> None:
        self._patience -= len(data)
        if self._patience < 0:
            self.flow.pause_reading()

    def leave(self) -> None:
        """Answer what comes, and let each answer be the last of its connection."""
        self._is_leaving = True
        if self.cycle and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """uvicorn's: the door is closed now."""
        self._send_held()
        self.leave()
        if self._sink and self.answering:
            self.answering.gone()
        elif not self.cycle or self.cycle.response_complete:
            self.transport.close()
