"""Socket.IO: the transports, and who is connected over them. The only socketio here."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import socketio  # type: ignore[import-untyped]

from libs.common.errors import AppError, BadRequest
from libs.common.logging import get_logger
from services.gateway.domain.rooms import Grant, Limits, Push
from services.gateway.realtime.admitting import Admitting, shown_in
from services.gateway.realtime.calls import Calls, Json
from services.gateway.realtime.connection import Socket
from services.gateway.realtime.hub import Hub
from services.gateway.realtime.lines import GOING_AWAY, Line

log = get_logger(__name__)

PING_SECONDS = 25
PONG_SECONDS = 20
CONNECT_SECONDS = 10.0
"""How long a transport may be open before its client says who it is."""
REFUSED_SECONDS = 1.0
NAMESPACE = "/"
ASGI = "asgi.scope"


class Sockets:
    """The Socket.IO server of this replica."""

    def __init__(self, hub: Hub, admitting: Admitting, limits: Limits) -> None:
        self.limits = limits
        self.lines: dict[str, Line] = {}
        """The WebSockets, by the session of their transport."""
        self._hub = hub
        self._admitting = admitting
        self._calls = Calls(hub, admitting)
        self._sockets: dict[str, Socket] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._running: set[asyncio.Task[None]] = set()
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            async_handlers=False,  # one call of a client at a time
            cors_allowed_origins=[],  # the door decides about origins itself
            http_compression=False,
            max_http_buffer_size=limits.payload,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
        )
        for logger in (self.server.logger, self.server.eio.logger):
            logger.setLevel(logging.CRITICAL)  # it would quote sessions, and what clients send
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)
        self.server.on("*", self._call)
        self._watch_transports()

    @property
    def transports(self) -> dict[str, Any]:
        """The open transports, by their sessions."""
        found: dict[str, Any] = self.server.eio.sockets
        return found

    def is_open(self, transport: str) -> bool:
        """Whether a transport is there and has not ended."""
        found = self.transports.get(transport)
        return found is not None and not found.closed

    def of_transport(self, transport: str) -> Socket | None:
        """Whoever is connected over a transport."""
        return self._sockets.get(self.server.manager.sid_from_eio_sid(transport, NAMESPACE))

    def backlog(self, transport: str) -> int:
        """How much waits to be sent over a transport."""
        found = self.transports.get(transport)
        return found.queue.qsize() if found else 0

    def release(self, transport: str) -> None:
        """Let the poll of a client that said goodbye go; the library would hold it."""
        found = self.transports.get(transport)
        if found and found.closed:
            found.queue.put_nowait(None)

    def cut(self, transport: str, code: int = GOING_AWAY) -> None:
        """End a transport, without waiting for its client."""
        self.run(self._cut(transport, code))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside; what it raises is logged."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ran)

    async def emit(self, sid: str, push: Push) -> None:
        """Send a push: put it behind what waits for the client."""
        await self.server.emit(push.event, push.data, to=sid)

    async def disconnect(self, sid: str) -> None:
        """Say goodbye. Clients do not come back by themselves after this."""
        await self.server.disconnect(sid)

    async def close(self) -> None:
        """End every transport such that clients connect again, elsewhere."""
        for timer in self._waiting.values():
            timer.cancel()
        await asyncio.gather(*(self._cut(transport, GOING_AWAY) for transport in self.transports))
        await self.server.shutdown()

    def _watch_transports(self) -> None:
        eio = self.server.eio
        opened, closed = eio.handlers["connect"], eio.handlers["disconnect"]

        async def on_open(transport: str, environ: Json) -> None:
            await opened(transport, environ)
            line = environ[ASGI].get("redress.line")
            if line is not None:
                self.lines[transport] = line
            self._expect(transport, CONNECT_SECONDS)

        async def on_close(transport: str, reason: str) -> None:
            await closed(transport, reason)
            self.lines.pop(transport, None)
            self._stop_expecting(transport)

        async def end(transport: str) -> None:
            # The library's own waits until the client has read everything, however long.
            found = self.transports.get(transport)
            if found:
                await found.close(wait=False)

        eio.on("connect", on_open)
        eio.on("disconnect", on_close)
        eio.disconnect = end

    async def _connect(self, sid: str, environ: Any = None, auth: Any = None) -> None:
        if environ is None or environ is not self.server.get_environ(sid):
            return  # said by a client, as if it were an event of its own
        transport = self.server.manager.eio_sid_from_sid(sid, NAMESPACE)
        try:
            address = self._admitting.address(environ[ASGI])
            grant = await self._grant(environ, auth, address)
            socket = Socket(grant, sid, transport, address, self)
            self._check_open(transport)
            self._hub.rooms.enter(socket)
        except AppError as error:
            self._expect(transport, REFUSED_SECONDS)
            raise socketio.exceptions.ConnectionRefusedError(
                error.message, {"code": error.code}
            ) from None
        self._stop_expecting(transport)
        self._sockets[sid] = socket
        socket.listen(socket.grant)

    def _check_open(self, transport: str) -> None:
        """Raises BadRequest for a transport that ended while its client was looked at."""
        if not self.is_open(transport):
            raise BadRequest("The connection has ended.")

    async def _grant(self, environ: Json, auth: Any, address: str) -> Grant:
        given = auth.get("token") if isinstance(auth, dict) else None
        if given is None:
            given = shown_in(dict(environ[ASGI]["headers"]))
        return await self._admitting.shown(given, address)

    async def _disconnect(self, sid: str, _reason: Any = None) -> None:
        if self.server.manager.is_connected(sid, NAMESPACE):
            return  # said by a client
        socket = self._sockets.pop(sid, None)
        if socket is None:
            return
        socket.stop_waiting()
        self._hub.rooms.leave(socket)
        if socket.transport in self.transports:
            self._expect(socket.transport, CONNECT_SECONDS)

    async def _call(self, event: Any, sid: Any, *given: Any) -> Json:
        if isinstance(event, str) and event in self._sockets:
            # Said `*`: the library takes that for the name of this, and leaves the event out.
            event, sid = "*", event
        return await self._calls.answer(self._sockets.get(sid), event, given)

    def _expect(self, transport: str, seconds: float) -> None:
        """Cut a transport off, unless somebody connects over it in time."""
        self._stop_expecting(transport)
        loop = asyncio.get_running_loop()
        self._waiting[transport] = loop.call_later(seconds, self._give_up, transport)

    def _give_up(self, transport: str) -> None:
        del self._waiting[transport]
        self.cut(transport)

    def _stop_expecting(self, transport: str) -> None:
        timer = self._waiting.pop(transport, None)
        if timer:
            timer.cancel()

    async def _cut(self, transport: str, code: int) -> None:
        line, found = self.lines.get(transport), self.transports.get(transport)
        if line:
            await line.end(code)
        if found:
            # A poll that waits is told to go; over a line everything is said already.
            await found.close(wait=False, abort=line is not None)

    def _ran(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception():
            log.error("socket.ending_failed", error_type=type(task.exception()).__name__)
