"""One request and its answer, on their way through: admitted, passed on, handed back.

Nothing of a stranger's body is read. A small body is gathered before the service is asked, so that
a slow client holds no connection of ours; a large one is poured through as it comes. An answer is
poured back the same way, unless it is short. Bytes go from one socket to the other without waking
anybody; this coroutine wakes when something is to be decided.
"""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from libs.common.clock import monotonic
from libs.common.errors import AppError, DeadlineExceeded, NotFound, TooLarge
from libs.common.ids import quick_id
from libs.common.logging import get_logger
from libs.common.web.errors import Unforeseen
from libs.common.web.responses import refusal
from services.gateway.domain.asking import Asked
from services.gateway.domain.entrance import Preflight
from services.gateway.domain.headers import NOSNIFF, UPGRADED, Header, returned
from services.gateway.domain.refusals import Leaving, RequestTimeout, UpstreamUnavailable
from services.gateway.proxy.connection import SWITCHING, Connection
from services.gateway.proxy.inbound import Inbound
from services.gateway.proxy.outbound import Outbound, lines
from services.gateway.proxy.upstream import AWAY, PRIORITIES, Upstream
from services.gateway.proxy.waiting import Waiting

if TYPE_CHECKING:
    from services.gateway.proxy.door import Door

log = get_logger(__name__)

GRACE_SECONDS = 0.25
"""A service refuses at its deadline itself, and says more than we can."""
SLOWEST = 10 * 1024
"""Bytes a second: who moves at least as much gets the time it takes."""
CLIENT_GONE = 499
STRANGER_BYTES = 32 * 1024
KNOWN_BYTES = 512 * 1024


class ClientGone(Exception):
    """The client closed the connection."""


class ServiceGone(Exception):
    """The service closed the connection, or said what is no HTTP."""


class AnswerBroke(Exception):
    """A service stopped in the middle of an answer, of which the client has the beginning."""


class Exchange(Waiting):
    """What uvicorn knows as a cycle: a request of a connection, and the answer to it."""

    __slots__ = (
        "_connection", "_is_gathering", "_moved_at", "_since", "asked", "door", "inbound", "out",
        "refused", "request_id", "response_complete", "started", "task", "upstream_seconds",
    )  # fmt: skip

    def __init__(
        self, door: "Door", asked: Asked, out: Outbound, refused: AppError | None = None
    ) -> None:
        super().__init__(door.loop)
        self.door = door
        self.asked = asked
        self.out = out
        self.request_id = asked.request_id or quick_id()
        self.inbound = Inbound(door.flow)
        self.refused = refused
        """Why it ends before it begins, or how it ended."""
        self.started = self._since = self._moved_at = monotonic()
        self.upstream_seconds: float | None = None
        self.task: asyncio.Task[None] | None = None
        self.response_complete = False
        self._is_gathering = False
        self._connection: Connection | None = None

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open after this answer."""
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
        except TooLarge as refusal:
            self.fail(refusal)

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

    async def run_asgi(self, _: object) -> None:
        """Answer, whatever happens."""
        self.door.front.exchanges.add(self)
        try:
            await self._serve()
        except AppError as error:
            self._refuse(error)
        except Preflight:
            self.out.whole(HTTPStatus.NO_CONTENT, self._told(), b"")
        except (ClientGone, AnswerBroke):
            self.out.is_kept = False
        except asyncio.CancelledError:
            self._refuse(Leaving("This door closes. Try again."))
            raise
        except Exception:
            log.exception("request.failed", route=self.route)
            self._refuse(Unforeseen("Something went wrong on our side."))
        finally:
            self.door.front.exchanges.discard(self)
            self.inbound.refuse()
            self.response_complete = True
            self.door.front.saw(self)
            self.door.answered(self)

    async def _serve(self) -> None:
        if self.refused:
            self.out.is_kept = False  # who is misread once is not read on
            raise self.refused
        front = self.door.front
        entry = await front.entrance.admit(self.asked)
        self.inbound.limit = entry.access.body
        self.look_at_clock()
        body = await self._gathered()
        upstream = front.upstreams.get(entry.service)
        if upstream is None:
            raise NotFound("There is nothing here.")
        place = PRIORITIES.get(entry.access.limit) if body is not None else None
        call = await upstream.enter(place, self.started + entry.access.seconds)
        try:
            connection = await self._ask(upstream, body)
            call.is_good = connection.is_good
            try:
                if not connection.is_short:
                    upstream.hold(call)
                await self._hand_back(connection)
            finally:
                upstream.put_back(connection)
        except (UpstreamUnavailable, DeadlineExceeded):
            call.is_good = False
            raise
        finally:
            upstream.leave(call)

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
        connection = upstream.kept()
        while True:
            connection = connection or await upstream.connect(self._seconds_left())
            self._connection = connection
            asked_at = monotonic()
            connection.ask(self._request(upstream, body), self._news)
            try:
                if body is None:
                    self._pour_up(connection)
                await self._answer(connection)
            except ServiceGone:
                connection.abort()
                may_repeat = may_repeat and not connection.is_touched
                if not may_repeat or not upstream.budget.may_retry():
                    raise UpstreamUnavailable(AWAY) from None
                may_repeat, connection = False, None
            except BaseException:
                connection.abort()
                raise
            else:
                self.upstream_seconds = monotonic() - asked_at
                return connection

    async def _answer(self, connection: Connection) -> None:
        """Wait for all of a short answer, or for the head of another."""
        while not connection.is_ready:
            if connection.is_lost:
                raise ServiceGone
            await self.news()
            while connection.hints:
                self.out.hint(connection.hints.pop(0))
        if connection.is_tunnel and not self.asked.is_upgrade:
            raise ServiceGone

    async def _hand_back(self, connection: Connection) -> None:
        if not self.inbound.is_complete:  # it answers before it has heard everything
            self.out.is_kept = connection.is_kept = False
            if connection.status >= HTTPStatus.BAD_REQUEST:
                self.inbound.refuse()
        if connection.status == SWITCHING:
            await self._tunnel(connection)
            return
        headers = [*returned(connection.headers), *self._told()]
        if connection.is_short:
            self.out.whole(connection.status, headers, b"".join(connection.body))
            return
        wants_trailers = b"trailers" in self.asked.heads.said.get(b"te", b"").lower()
        self.out.begin(connection.status, headers, connection.length, trailers=wants_trailers)
        if not self.out.is_head:
            await self._pour_down(connection)
        self.out.end(connection.trailers)

    def _pour_up(self, connection: Connection) -> None:
        """Pass the body on as it comes, framed as it was promised."""
        is_chunked = self.asked.length is None

        def send(chunk: bytes) -> None:
            self._moved_at = monotonic()
            connection.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
            if connection.is_write_paused:
                self.door.flow.pause_reading()

        def end() -> None:
            if is_chunked:
                connection.write(b"0\r\n" + lines(self.inbound.kept_trailers) + b"\r\n")

        self._is_gathering = True
        self.inbound.pour_into(send, at_end=end)
        self.look_at_clock()

    async def _pour_down(self, connection: Connection) -> None:
        connection.pour_into(self._send)
        self.look_at_clock()
        while not connection.is_complete:
            if connection.is_lost:
                log.warning("upstream.broke", route=self.route)
                raise AnswerBroke
            await self.news()

    async def _tunnel(self, connection: Connection) -> None:
        """Two sockets that talk to each other from here on."""

        def send_up(data: bytes) -> None:
            self._moved_at = monotonic()
            connection.write(data)
            if connection.is_write_paused:
                self.door.flow.pause_reading()

        agreed = [header for header in connection.headers if header[0] in UPGRADED]
        self.out.switch([*agreed, *self._told()])
        connection.pour_into(self._send)
        self.door.tunnel_into(send_up)
        self.look_at_clock()
        while not connection.is_lost:
            await self.news()

    def _send(self, chunk: bytes) -> None:
        self._moved_at = monotonic()
        self.out.chunk(chunk)
        if self.door.flow.write_paused and self._connection:
            self._connection.pause()

    def _news(self) -> None:
        """The service sent something, or takes more again."""
        if self._connection and not self._connection.is_write_paused:
            self.door.flow.resume_reading()
        self.wake()

    def _request(self, upstream: Upstream, body: bytes | None) -> bytes:
        """The head of what the service is asked, with the body if that is small."""
        asked = self.asked
        method = "GET" if asked.method == "HEAD" else asked.method
        parts = [
            b"%b %b%b HTTP/1.1\r\n" % (method.encode(), upstream.prefix, asked.target),
            upstream.host_line,
            *asked.heads.passed_on,
            b"x-request-id: %b\r\nx-deadline: %.3f\r\n"
            % (self.request_id.encode(), self._seconds_left()),
        ]
        if asked.token is not None:
            parts += (b"authorization: Bearer ", asked.token.encode(), b"\r\n")
        if asked.traceparent:
            parts += (b"traceparent: ", asked.traceparent, b"\r\n")
        if asked.is_upgrade:
            parts += (b"connection: Upgrade\r\nupgrade: websocket\r\n", *asked.heads.upgrading)
        elif asked.length is None:
            parts.append(b"transfer-encoding: chunked\r\n")
        elif asked.length or asked.method in {"POST", "PUT", "PATCH"}:
            parts.append(b"content-length: %d\r\n" % asked.length)
        parts.append(b"\r\n")
        if body:
            parts.append(body)
        return b"".join(parts)

    def _told(self) -> list[Header]:
        """What the door says with every answer."""
        request_id = (b"x-request-id", self.request_id.encode())
        return [*self.door.server_state.default_headers, request_id, *self.asked.told]

    def _refuse(self, error: AppError) -> None:
        """Say no; when it is too late to say anything, cut what was said."""
        self.refused = error
        if self.out.is_begun:
            self.out.is_kept = False
            return
        answer = refusal(error, self.request_id)
        if not self.inbound.is_complete:
            self.out.is_kept = False
        given = [h for h in answer.raw_headers if h[0] not in {b"content-length", b"connection"}]
        if answer.headers.get("connection") == "close":
            self.out.is_kept = False
        self.out.whole(answer.status_code, [*given, NOSNIFF, *self._told()], bytes(answer.body))
        self.inbound.refuse()

    def _too_late(self) -> float:
        """When it is too late: who moves bytes gets the time they take, who stops does not."""
        front = self.door.front
        access = self.asked.entry.access if self.asked.entry else None
        if access is None:
            return self.started + front.idle_seconds
        if self.out.is_begun:
            quiet = self._moved_at + front.idle_seconds
            whole = self._since + access.seconds + GRACE_SECONDS + self.out.sent / SLOWEST
            return quiet if access.limit == "held" else min(whole, quiet)
        total = self._since + access.seconds + GRACE_SECONDS
        if self.inbound.is_complete or not self._is_gathering:
            return total
        if self.asked.is_small:
            return min(total, self.started + front.body_seconds)
        still = front.body_seconds if self._is_client_due else access.seconds + GRACE_SECONDS
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
        return max(0.0, self._since + seconds - monotonic())
