"""The door to Socket.IO: origins, sizes, and sessions that nobody else can use.

The library trusts whoever knows a session. Here it takes more: one poll at a time (a second one
ends the session, as Engine.IO asks), and a token that is shown must be of whoever is connected.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Message, Receive, Scope, Send

from libs.common.errors import AppError, BadRequest, NotFound, TooLarge
from libs.common.web.errors import MethodNotAllowed
from libs.common.web.responses import refusal
from services.gateway.domain.headers import Header, fields
from services.gateway.domain.origins import Origins
from services.gateway.domain.refusals import Leaving, OriginNotAllowed, RequestTimeout
from services.gateway.realtime.admitting import Admitting, shown_in
from services.gateway.realtime.lines import Line
from services.gateway.realtime.sockets import Sockets

PATH = "/socket.io"
BODY_SECONDS = 10.0
KEPT_BACK = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


Gate = Callable[[Scope], Awaitable[None]]


class SessionUnknown(BadRequest):
    """No such session: it ended, or it is somebody else's."""

    code = "SESSION_UNKNOWN"


class Front:
    """Looks at each request before the library does."""

    def __init__(
        self, sockets: Sockets, admitting: Admitting, origins: Origins, gate: Gate | None
    ) -> None:
        self._sockets = sockets
        self._admitting = admitting
        self._origins = origins
        self._gate = gate
        self._polling: set[str] = set()
        self.is_leaving = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state["route"] = PATH
        headers = dict(scope["headers"])
        query = parse_qs(scope["query_string"].decode("latin-1"))
        session = query["sid"][0] if "sid" in query else None
        bare, send = send, _adding(send, fields(self._origins.lines(headers.get(b"origin"))))
        try:
            self._check_origin(headers)
            if scope.get("method") == "OPTIONS":
                await self._preflight(headers, bare)
                return
            if "j" in query:
                raise BadRequest("JSONP is not spoken here.")
            await self._check(scope, session, headers)
            if scope["type"] == "websocket":
                await self._connect(scope, receive, send, session)
            else:
                await self._http(scope, receive, send, session)
        except AppError as error:
            state["code"] = error.code
            await _refuse(error, scope, receive, send)

    def _check_origin(self, headers: dict[bytes, bytes]) -> None:
        """Pages of this host connect, and those of listed origins; programs name none."""
        origin, host = headers.get(b"origin"), headers.get(b"host", b"").lower()
        is_ours = bool(host) and origin in {b"http://" + host, b"https://" + host}
        if origin is not None and not is_ours and not self._origins.is_allowed(origin):
            raise OriginNotAllowed("Pages of that origin may not connect here.")

    async def _check(self, scope: Scope, session: str | None, headers: dict[bytes, bytes]) -> None:
        path = scope["path"].rstrip("/")
        if path != PATH:
            raise NotFound("There is nothing here.")
        if session is None:
            full = len(self._sockets.transports) >= self._sockets.limits.in_all
            if self.is_leaving or full:
                raise Leaving("There is no room just now: connect elsewhere.")
            if self._gate:
                await self._gate(scope)
        elif not self._sockets.is_open(session):
            raise SessionUnknown("There is no such session: connect again.")
        else:
            await self._check_owner(session, scope, headers)

    async def _check_owner(self, session: str, scope: Scope, headers: dict[bytes, bytes]) -> None:
        shown, socket = shown_in(headers), self._sockets.of_transport(session)
        if shown is None or socket is None:
            return
        grant = await self._admitting.shown(shown, self._admitting.address(scope))
        if grant.principal.id != socket.grant.principal.id:
            raise SessionUnknown("There is no such session: connect again.")

    async def _connect(
        self, scope: Scope, receive: Receive, send: Send, session: str | None
    ) -> None:
        line = Line(receive, send)
        lines = self._sockets.lines
        if session is None:
            scope["redress.line"] = line
        elif session in lines:
            raise SessionUnknown("There is no such session: connect again.")
        else:
            lines[session] = line
        try:
            await self._sockets.server.handle_request(scope, line.receive, line.send)
        finally:
            if session is not None and lines.get(session) is line:
                del lines[session]

    async def _http(self, scope: Scope, receive: Receive, send: Send, session: str | None) -> None:
        match scope["method"], session:
            case "GET", None:
                await self._handle(scope, receive, send)
            case "GET", str():
                await self._poll(scope, receive, send, session)
            case "POST", str():
                body = await self._body(scope, receive)
                await self._handle(_sized(scope, body), _holding(body), send)
                self._sockets.release(session)
            case "POST", None:
                raise SessionUnknown("There is no such session: connect again.")
            case _:
                raise MethodNotAllowed("This method is not allowed here.")

    async def _preflight(self, headers: dict[bytes, bytes], send: Send) -> None:
        head = self._origins.preflight(headers.get(b"origin", b""), ("GET", "POST"))
        start: dict[str, Any] = {"status": HTTPStatus.NO_CONTENT, "headers": fields(head)}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": b""})

    async def _poll(self, scope: Scope, receive: Receive, send: Send, session: str) -> None:
        if session in self._polling:
            self._sockets.cut(session)
            raise SessionUnknown("There is no such session: connect again.")
        self._polling.add(session)
        try:
            await self._handle(scope, receive, send)
        finally:
            self._polling.discard(session)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._sockets.server.handle_request(scope, receive, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        limit = self._sockets.limits.payload
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            raise TooLarge("This is too much at once.", limit=limit)
        body, more = b"", True
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while more:
                    message = await receive()
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > limit:
                        raise TooLarge("This is too much at once.", limit=limit)
        except TimeoutError:
            raise RequestTimeout("The body did not come.") from None
        return body


def _sized(scope: Scope, body: bytes) -> Scope:
    """The scope of a request whose body is known as a whole."""
    kept = [each for each in scope["headers"] if each[0] != b"content-length"]
    return {**scope, "headers": [*kept, (b"content-length", str(len(body)).encode())]}


def _holding(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _adding(send: Send, more: Iterable[Header]) -> Send:
    """`send`, with what no answer here lacks."""
    added = [*KEPT_BACK, *more]

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await send(message)

    return adding


async def _refuse(error: AppError, scope: Scope, receive: Receive, send: Send) -> None:
    answer = refusal(error, scope["state"].get("request_id"))
    if scope["type"] == "http":
        if scope["method"] == "POST":
            answer.headers["Connection"] = "close"
        await answer(scope, receive, send)
        return
    kind = "websocket.http.response"
    if kind not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    await receive()
    start: dict[str, Any] = {"status": answer.status_code, "headers": answer.raw_headers}
    await send({"type": f"{kind}.start", **start})
    await send({"type": f"{kind}.body", "body": answer.body})
