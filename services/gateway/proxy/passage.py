"""A request on its way through: what is known of it, what time it has, and how it is refused."""

import asyncio
from typing import TYPE_CHECKING

from libs.common.clock import monotonic
from libs.common.errors import AppError, DeadlineExceeded, TooLarge
from libs.common.ids import quick_id
from libs.common.web.responses import refusal
from services.gateway.domain.asking import Asked
from services.gateway.domain.headers import NOSNIFF, Lines, lines
from services.gateway.domain.refusals import RequestTimeout
from services.gateway.proxy.connection import Connection
from services.gateway.proxy.inbound import NOTHING, Inbound
from services.gateway.proxy.outbound import Outbound
from services.gateway.proxy.waiting import Waiting

if TYPE_CHECKING:
    from services.gateway.proxy.door import Door

GRACE_SECONDS = 0.25
"""A service refuses at its deadline itself, and says more than we can."""
SLOWEST = 10 * 1024
"""Bytes a second: who moves at least as much gets the time it takes."""
CLIENT_GONE = 499
STRANGER_BYTES = 8 * 1024
KNOWN_BYTES = 512 * 1024
_REPLACED = frozenset({b"content-length", b"connection"})
_TOLD = NOSNIFF + b"date: %b\r\nx-request-id: %b\r\n%b"


class ClientGone(Exception):
    """The client closed the connection."""


class AnswerBroke(Exception):
    """A service stopped in the middle of an answer, of which the client has the beginning."""


class Passage(Waiting):
    """One request of a connection, and the answer to it."""

    _connection: Connection | None = None
    _is_gathering = False
    response_complete = False
    task: asyncio.Task[None] | None = None
    upstream_seconds: float | None = None

    def __init__(
        self, door: "Door", asked: Asked, out: Outbound, refused: AppError | None = None
    ) -> None:
        self._loop = door.loop
        self.door = door
        self.asked = asked
        self.out = out
        self.request_id = asked.request_id or quick_id()
        self.inbound = Inbound(door.flow) if asked.length != 0 or refused else NOTHING
        self.refused = refused
        """Why it ends before it begins, or how it ended."""
        self.started = self._since = self._moved_at = monotonic()

    @property
    def keep_alive(self) -> bool:
        """Whether the client's connection stays open after this answer."""
        return self.out.is_kept

    @keep_alive.setter
    def keep_alive(self, is_kept: bool) -> None:
        self.out.is_kept = is_kept

    @property
    def route(self) -> str:
        """The template of what was asked for."""
        return self.asked.entry.template if self.asked.entry else "unmatched"

    @property
    def status(self) -> int:
        """What was answered; 499 to nobody."""
        return self.out.status or CLIENT_GONE

    @property
    def patience(self) -> int:
        """What is read of a body after its refusal, so that a client gets to read why."""
        is_known = self.asked.principal is not None
        return KNOWN_BYTES if is_known else STRANGER_BYTES - self.inbound.taken

    def feed(self, chunk: bytes) -> None:
        """More of the body came."""
        try:
            self.inbound.feed(chunk)
        except TooLarge as refused:
            self.door.flow.pause_reading()
            self.fail(refused)

    def fed(self) -> None:
        """All of the body came: from here on it is the service's turn."""
        self.inbound.end()
        if not self.asked.is_small:
            self._since = monotonic()
            self.look_at_clock()
        self.wake()

    def gone(self) -> None:
        """The client left."""
        self.fail(ClientGone())

    def writable(self) -> None:
        """The client takes more again."""
        if self._connection:
            self._connection.resume()

    def _told(self) -> Lines:
        """What the door says with every answer."""
        [(_, date)] = self.door.server_state.default_headers
        request_id = self.request_id.encode()
        return _TOLD % (date, request_id, self.asked.told)

    def _refuse(self, error: AppError) -> None:
        """Say no; when it is too late to say anything, cut what was said."""
        self.refused = error
        error.__traceback__ = None  # its frames hold us, and we hold it
        if self.out.is_begun or self.door.transport.is_closing():
            self.out.is_kept = False
            return
        answer = refusal(error, self.request_id)
        if not self.inbound.is_complete or answer.headers.get("connection") == "close":
            self.out.is_kept = False
        given = lines(header for header in answer.raw_headers if header[0] not in _REPLACED)
        self.out.whole(answer.status_code, [given, self._told()], bytes(answer.body))
        self.inbound.refuse()

    def _too_late(self) -> float:
        """When it is too late: who moves bytes gets the time they take, who stops does not."""
        front, entry = self.door.front, self.asked.entry
        if entry is None:
            return self.started + front.idle_seconds
        total = self._since + entry.access.seconds + GRACE_SECONDS
        if self.out.is_begun:
            quiet = self._moved_at + front.idle_seconds
            is_held = entry.access.limit == "held"
            return quiet if is_held else min(total + self.out.sent / SLOWEST, quiet)
        if self.inbound.is_complete or not self._is_gathering:
            return total
        if self.asked.is_small:
            return min(total, self.started + front.body_seconds)
        still = front.body_seconds if self._is_client_due else entry.access.seconds + GRACE_SECONDS
        return min(total + self.inbound.taken / SLOWEST, self._moved_at + still)

    @property
    def _is_client_due(self) -> bool:
        """Whether the client is to send, and nobody keeps it from sending."""
        is_read = not self.door.flow.read_paused
        return self._is_gathering and is_read and not self.inbound.is_complete

    def _lateness(self) -> Exception:
        if self.out.is_begun:
            return AnswerBroke()
        if self._is_client_due:
            return RequestTimeout("The body that was promised did not come in time.")
        return DeadlineExceeded("This took longer than it may.")

    def _seconds_left(self) -> float:
        seconds = self.asked.entry.access.seconds if self.asked.entry else 0.0
        return self._since + seconds - monotonic()
