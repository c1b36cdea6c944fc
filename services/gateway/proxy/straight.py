"""The way of most requests: nobody has to be waited for, so that no task is needed.

Its caller is known, its body is short and came with it, the service has a place and a connection.
What comes back calls back. Whatever turns out not to be that simple goes on as a task.
"""

from abc import abstractmethod
from collections.abc import Callable

from libs.common.clock import monotonic
from services.gateway.domain.callers import Terms
from services.gateway.domain.queueing import Priority
from services.gateway.proxy.connection import Connection
from services.gateway.proxy.heads import request_head
from services.gateway.proxy.outbound import Write
from services.gateway.proxy.passage import GRACE_SECONDS
from services.gateway.proxy.pouring import Pouring
from services.gateway.proxy.turn import Turn
from services.gateway.proxy.upstream import PRIORITIES, Upstream


class Straight(Pouring):
    """A passage that tries the short way first."""

    _asked_at: float
    _permit = 0
    """Of a call that goes straight."""
    _upstream: Upstream

    @abstractmethod
    def _go_on(self) -> None:
        """Go on as a task."""

    @abstractmethod
    def _tell(self, error: Exception) -> None:
        """Answer with what went wrong, if there is anybody to answer and anything to say."""

    @abstractmethod
    def _end(self) -> None:
        """It is over, however it went."""

    def begin(self) -> None:
        """Answer, sooner or later."""
        if self.refused or not self.asked.is_small:
            self._go_on()
        elif self.asked.length:
            self._loop.call_soon(self._try)  # most short bodies come with their heads
        else:
            self._try()

    def fail(self, error: Exception) -> None:
        super().fail(error)
        if self._connection and not self.task and not self.response_complete:
            self._go_on()

    def _try(self) -> None:
        try:
            if self.failure or not self.inbound.is_complete or not self._goes_straight():
                self._go_on()
        except Exception as error:  # noqa: BLE001 - told, and logged unless it is a refusal
            self._tell(error)
            self._end()

    def _goes_straight(self) -> bool:
        """Ask the service at once; unless somebody has to be waited for first. Raises AppError."""
        asked, front = self.asked, self.door.front
        terms = front.entrance.agree(asked)
        if terms is None or b"upgrade" in asked.heads.said:
            return False
        entry = asked.entry
        assert entry  # noqa: S101 - there are terms for it
        upstream, place = front.upstreams.get(entry.service), PRIORITIES.get(entry.access.limit)
        if upstream is None or place is None:
            return False
        connection = upstream.at_once(place)
        if connection is None:
            self._give_up(upstream, place, terms)
            return False
        is_let_in = False
        try:
            is_let_in = front.entrance.settle(asked, terms)
        finally:
            if not is_let_in:
                upstream.keep(connection)
        if is_let_in:
            self._permit, self._upstream = upstream.begin(place), upstream
            turn = front.turn if upstream.is_busy else None
            self._question(connection, upstream, self.inbound.whole(), self._straight_news, turn)
            self.until = self._since + entry.access.seconds + GRACE_SECONDS
            if asked.length:
                self.door.flow.resume_reading()  # who is not read from is not seen to leave
        return is_let_in

    def _give_up(self, upstream: Upstream, place: Priority, terms: Terms) -> None:
        """Refuse who would wait in vain, as soon as it is known who it is. Raises AppError."""
        slots = upstream.slots
        is_vain = not slots.has_room(place) and slots.is_vain(place)
        if is_vain and self.door.front.entrance.settle(self.asked, terms):
            slots.refuse()

    def _question(
        self,
        connection: Connection,
        upstream: Upstream,
        body: bytes | None,
        news: Callable[[], None],
        turn: Turn | None = None,
    ) -> None:
        """Ask on `connection`, now or when a turn ends."""
        self._connection, self._asked_at = connection, monotonic()
        left = self._seconds_left()
        head = request_head(self.asked, upstream, self.request_id, left, body)
        connection.ask(head, news, turn)

    def _straight_news(self) -> None:
        connection = self._connection
        assert connection  # noqa: S101 - it calls
        if self.task:
            self._news()
        elif connection.is_complete and connection.is_short and not connection.hints:
            is_held = self._upstream.is_busy and self.out.is_kept
            self._hand_back_short(connection, self.door.write_later if is_held else None)
            self._upstream.end(self._permit, connection)
            self._end()
        elif connection.is_ready or connection.is_lost or connection.hints:
            self._go_on()

    def _hand_back_short(self, connection: Connection, write: Write | None = None) -> None:
        self.upstream_seconds = monotonic() - self._asked_at
        headers = (*connection.returned, self._told())
        self.out.whole(connection.status, headers, connection.content, write=write)
