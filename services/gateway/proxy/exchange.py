"""One request and its answer: admitted, passed on, handed back.

Nothing of a stranger's body is read. A small body is gathered before the service is asked, so that
a slow client holds no connection of ours; a large one is poured through as it comes. An answer is
poured back the same way, unless it is short.

Most requests are simpler than that and go straight; the others, and what turns out not to be that
simple, go on as a task.
"""

import asyncio

from libs.common.clock import monotonic
from libs.common.errors import AppError, DeadlineExceeded, NotFound
from libs.common.logging import get_logger
from libs.common.web.errors import Unforeseen
from services.gateway.domain.refusals import Leaving, UpstreamUnavailable
from services.gateway.domain.ways import Preflight
from services.gateway.proxy.connection import Connection
from services.gateway.proxy.inbound import NOTHING
from services.gateway.proxy.passage import AnswerBroke, ClientGone
from services.gateway.proxy.straight import Straight
from services.gateway.proxy.upstream import PRIORITIES, Call, Upstream

log = get_logger(__name__)

NO_CONTENT = 204
OUR_FAULT = "Something went wrong on our side."
FIRST_REFUSAL = 400


class ServiceGone(Exception):
    """The service closed the connection, or said what is no HTTP."""


class Exchange(Straight):
    """What uvicorn knows as a cycle."""

    _call: Call

    def _go_on(self) -> None:
        self.task = self._loop.create_task(self._run())
        self.door.tasks.add(self.task)

    async def _run(self) -> None:
        """Answer, whatever happens."""
        try:
            await self._serve()
        except asyncio.CancelledError:
            self._refuse(Leaving("This door closes. Try again."))
            raise
        except Exception as error:  # noqa: BLE001 - told, and logged unless it is a refusal
            self._tell(error)
        finally:
            self._end()

    def _tell(self, error: Exception) -> None:
        """Answer with what went wrong, if there is anybody to answer and anything to say."""
        if isinstance(error, AppError):
            self._refuse(error)
        elif isinstance(error, Preflight):
            self.out.whole(NO_CONTENT, (self._told(),), b"")
        elif isinstance(error, ClientGone | AnswerBroke):
            self.out.is_kept = False
        else:
            log.error(
                "request.failed", route=self.route, request_id=self.request_id, exc_info=error
            )
            self._refuse(Unforeseen(OUR_FAULT))

    def _end(self) -> None:
        if self.inbound is not NOTHING:
            self.inbound.refuse()
        self.response_complete = True
        self.door.front.saw(self)
        self.door.answered(self)

    async def _serve(self) -> None:
        if self.refused:
            self.out.is_kept = False  # who is misread once is not read on
            raise self.refused
        body: bytes | None
        if self._connection:
            self._call, body = Call(self._permit), self.inbound.whole()
        else:
            body = await self._admitted()
        try:
            connection = await self._ask(self._upstream, body)
            self._call.is_good = connection.is_good
            try:
                if not connection.is_short:
                    self._upstream.hold(self._call)
                await self._hand_back(connection)
            finally:
                self._upstream.put_back(connection)
        except (UpstreamUnavailable, DeadlineExceeded):
            self._call.is_good = False
            raise
        finally:
            self._upstream.leave(self._call)

    async def _admitted(self) -> bytes | None:
        """Let in, its body gathered if that is small, and with a place at the service."""
        front = self.door.front
        entry = await front.entrance.admit(self.asked)
        upstream = front.upstreams.get(entry.service)
        if upstream is None:
            raise NotFound("There is nothing here.")
        if self.inbound is not NOTHING:
            self.inbound.limit = entry.access.body
        self.look_at_clock()
        body = await self._gathered()
        place = PRIORITIES.get(entry.access.limit) if body is not None else None
        self._call = await upstream.enter(place, self.started + entry.access.seconds)
        self._upstream = upstream
        return body

    async def _gathered(self) -> bytes | None:
        """A small body, as a whole; None for one that streams."""
        if self.asked.length == 0:
            return b""
        self.door.welcome_body()
        if not self.asked.is_small:
            return None
        self._is_gathering = True
        while not self.inbound.is_complete:
            self.look_at_clock()
            await self.news()
        return self.inbound.whole()

    async def _ask(self, upstream: Upstream, body: bytes | None) -> Connection:
        """The connection on which the answer has begun to come."""
        may_repeat = body is not None and self.asked.is_idempotent
        connection = self._connection
        if connection is None:
            connection = upstream.kept() or await upstream.connect(self._seconds_left())
            self._put(connection, upstream, body)
        while True:
            try:
                await self._answer(connection)
            except ServiceGone:
                connection.abort()
                may_repeat = may_repeat and not connection.is_touched
                if not may_repeat or not upstream.budget.may_retry():
                    raise UpstreamUnavailable from None
                may_repeat, connection = False, await upstream.connect(self._seconds_left())
                self._put(connection, upstream, body)
            except BaseException:
                connection.abort()
                raise
            else:
                return connection

    def _put(self, connection: Connection, upstream: Upstream, body: bytes | None) -> None:
        """Ask on `connection`, and pour the body behind it if it streams. Raises TooLarge."""
        self._question(connection, upstream, body, self._news)
        if body is None:
            try:
                self._pour_up(connection)
            except BaseException:
                connection.abort()
                raise

    async def _answer(self, connection: Connection) -> None:
        """Wait for all of a short answer, or for the head of another."""
        while not connection.is_ready:
            if connection.is_lost:
                raise ServiceGone
            await self.news()
            hints, connection.hints = connection.hints, ()
            for links in hints:
                self.out.hint(links)
        if connection.is_tunnel and not self.asked.is_upgrade:
            raise ServiceGone

    async def _hand_back(self, connection: Connection) -> None:
        if not self.inbound.is_complete:  # it answers before it has heard everything
            self.out.is_kept = connection.is_kept = False
            if connection.status >= FIRST_REFUSAL:
                self.inbound.refuse()
        if connection.is_tunnel:
            await self._tunnel(connection)
        elif connection.is_short:
            self._hand_back_short(connection)
        else:
            await self._hand_back_long(connection)

    async def _hand_back_long(self, connection: Connection) -> None:
        self.upstream_seconds = monotonic() - self._asked_at
        wants_trailers = b"trailers" in self.asked.heads.said.get(b"te", b"").lower()
        headers = (*connection.returned, self._told())
        self.out.begin(connection.status, headers, connection.length, trailers=wants_trailers)
        if not self.out.is_head:
            await self._pour_down(connection)
        self.out.end(connection.trailers)
