"""The services behind the door, each with its kept connections and what protects it.

A breaker leaves alone who does not answer; a cap keeps more calls from it than it can do; a budget
keeps second tries from becoming a second outage.
"""

import asyncio
from collections import deque
from urllib.parse import urlsplit

from libs.common.clock import monotonic
from libs.common.logging import get_logger
from libs.common.web.auth import LimitClass
from services.gateway.domain.breaking import Breaker
from services.gateway.domain.queueing import Held, Priority, Slots
from services.gateway.domain.refusals import UpstreamUnavailable
from services.gateway.domain.retrying import RetryBudget
from services.gateway.proxy.connection import Connection

log = get_logger(__name__)

CONNECT_SECONDS = 2.0
IDLE_SECONDS = 15.0
"""Half of what services keep a quiet connection for: we let go first."""
MAX_IDLE = 256
QUEUE = 8
"""Times the calls at once: a burst of short calls is worth a short wait, which is bounded."""
HTTPS_PORT = 443
HTTP_PORT = 80
PRIORITIES: dict[LimitClass, Priority] = {
    "webhook": Priority.WEBHOOK,
    "filing": Priority.FILING,
    "login": Priority.FILING,
    "default": Priority.DEFAULT,
    "poll": Priority.DEFAULT,
    "list": Priority.LIST,
    "export": Priority.EXPORT,
}
"""Who goes first when a service has all the calls it can do. Calls of other classes last, and never
wait for a place."""


class Call:
    """One call's place with a service, and how it went; None while nobody knows."""

    is_good: bool | None = None

    def __init__(self, permit: int, *, is_held: bool = False) -> None:
        self.permit = permit
        self.is_held = is_held


class Upstream:
    """One service."""

    def __init__(self, name: str, url: str, *, calls: int, held: int) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "https"
        port = parts.port or (HTTPS_PORT if self._is_tls else HTTP_PORT)
        self.name = name
        self.first_lines = f" HTTP/1.1\r\nhost: {parts.netloc}\r\n".encode()
        """What follows the target of a request."""
        self.prefix = parts.path.rstrip("/").encode()
        self._address = parts.hostname or name, port
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self.breaker = Breaker(name)
        self.budget = RetryBudget()
        self.slots = Slots(calls, queue=QUEUE * calls)
        self.held = Held(held)

    @property
    def is_busy(self) -> bool:
        """Whether more than one short call is under way."""
        return self.slots.in_flight > 1

    def at_once(self, priority: Priority) -> Connection | None:
        """A connection that waits, if a short call may be made on it this very moment."""
        if not self.breaker.is_closed or not self.slots.has_room(priority):
            return None
        return self.kept()

    def begin(self, priority: Priority) -> int:
        """A place for a call on what `at_once` gave, and its pass, until `end`."""
        self.slots.try_acquire(priority)
        self.budget.note()
        return self.breaker.admit()

    def end(self, permit: int, connection: Connection) -> None:
        """The short call is over, and its answer was taken."""
        self.slots.release()
        if connection.is_good:
            self.breaker.succeeded(permit)
        else:
            self.breaker.failed(permit)
        self.put_back(connection)

    async def enter(self, priority: Priority | None, until: float) -> "Call":
        """A place for one call, until `leave`; without a priority it is one that lasts.

        Raises UpstreamUnavailable while the breaker is open; Overloaded.
        """
        permit = self.breaker.admit()
        if not permit:
            raise UpstreamUnavailable(retry_after=self.breaker.retry_after)
        self.budget.note()
        try:
            if priority is None:
                self.held.acquire()
            elif not self.slots.try_acquire(priority):
                await self.slots.acquire(priority, until)
        except BaseException:
            self.breaker.abandoned(permit)
            raise
        call = Call(permit, is_held=priority is None)
        if not self.breaker.is_good(permit):  # it opened while we waited
            self.leave(call)
            raise UpstreamUnavailable(retry_after=self.breaker.retry_after)
        return call

    def hold(self, call: "Call") -> None:
        """The call lasts: it makes room for those that do not. Raises Overloaded."""
        self.report(call)
        if not call.is_held:
            self.held.acquire()
            self.slots.release()
            call.is_held = True

    def leave(self, call: "Call") -> None:
        """The call is over."""
        if call.is_held:
            self.held.release()
        else:
            self.slots.release()
        self.report(call)

    def report(self, call: "Call") -> None:
        """Tell the breaker how it went, once."""
        permit, call.permit = call.permit, 0
        if not permit:
            return
        if call.is_good:
            self.breaker.succeeded(permit)
        elif call.is_good is None:
            self.breaker.abandoned(permit)
        else:
            self.breaker.failed(permit)

    def kept(self) -> Connection | None:
        """A connection that waits, the last one used first."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_lost:
                return connection
        return None

    def let_go(self) -> None:
        """End the connections that have waited for long."""
        long_ago = monotonic() - IDLE_SECONDS
        while self._idle and self._idle[0].idle_since < long_ago:
            self._idle.popleft().abort()

    async def connect(self, seconds: float) -> Connection:
        """A new connection within `seconds`. Raises UpstreamUnavailable."""
        host, port = self._address
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(min(seconds, CONNECT_SECONDS)):
                _, connection = await loop.create_connection(
                    lambda: Connection(left=self._all.discard),
                    host,
                    port,
                    ssl=True if self._is_tls else None,
                )
        except (OSError, TimeoutError) as error:
            log.warning("upstream.away", peer=self.name, error_type=type(error).__name__)
            raise UpstreamUnavailable from error
        self._all.add(connection)
        return connection

    def put_back(self, connection: Connection) -> None:
        """Take a connection back whose call is over; it is kept if it is good for another."""
        if connection.rest() and len(self._idle) < MAX_IDLE:
            connection.idle_since = monotonic()
            self._idle.append(connection)
        else:
            connection.abort()

    def keep(self, connection: Connection) -> None:
        """Take a connection back on which nothing was asked."""
        self._idle.append(connection)

    def close(self) -> None:
        """Let go of every connection."""
        for connection in list(self._all):
            connection.abort()
