"""`GET /api/v1/events/stream`: what sockets hear, for those who speak only HTTP."""

import asyncio
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import Field, StringConstraints
from starlette.types import Receive, Scope, Send

from libs.common.errors import BadRequest, DeadlineExceeded
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.tokens import MAX_LIFE, MAX_TOKEN_BYTES
from libs.common.web.auth import may
from libs.common.web.responses import Schema
from libs.common.web.routing import router
from services.gateway.domain.rooms import Grant, Room
from services.gateway.realtime import Realtime
from services.gateway.realtime.admitting import shown_in
from services.gateway.realtime.streams import Stream

routes = router(prefix="/api/v1/events", tag="realtime")
OPEN_SECONDS = 10.0
SEND_SECONDS = 10.0
MAX_ROOMS = 100

Held = Annotated[
    Principal,
    Depends(may(Permission.PUBLIC, seconds=float(MAX_LIFE), body=0, limit="held")),
]
"""Whoever holds a ticket or a token: the route looks at either itself, the guard knows headers."""


class StreamQuery(Schema):
    """What is watched, as `kind:id`; and the ticket of a client that can send no headers."""

    subscribe: Annotated[
        list[Annotated[str, StringConstraints(max_length=100)]],
        Field(min_length=1, max_length=MAX_ROOMS),
    ]
    ticket: Annotated[str, StringConstraints(max_length=MAX_TOKEN_BYTES)] | None = None


class EventStream(Response):
    """Sends a stream for as long as it lasts; a reader that does not read is left."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream, realtime: Realtime) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._stream = stream
        self._realtime = realtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            self._realtime.close_stream(self._stream)
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        try:
            async for chunk in self._stream.chunks():
                async with asyncio.timeout(SEND_SECONDS):
                    body = {"body": chunk, "more_body": True}
                    await send({"type": "http.response.body", **body})
        except TimeoutError:
            return  # without an end: the connection is closed, visibly
        if not self._stream.is_too_slow:
            await send({"type": "http.response.body"})


@routes.get(
    "/stream",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Events, as they come."}},
)
async def stream_events(
    request: Request, query: Annotated[StreamQuery, Query()], caller: Held
) -> Response:
    """Hear of things as they happen (server-sent events): what `/socket.io` pushes, one way.

    Say what you watch: `subscribe=grievance:…`, `conversation:…`, `task:…`, `file:…`, up to a
    hundred; 404 if one of them is not yours to see. Send a token, or a `ticket` from
    `POST /api/v1/auth/ticket` where you cannot: one ticket opens one stream. A push is a hint:
    read the thing itself after `subscribed` and after every `reconnect`, and nothing is missed.
    """
    realtime: Realtime = request.app.state.realtime
    rooms = [Room.parse(text) for text in query.subscribe]
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            grant = await _grant(request, query.ticket, realtime)
            stream = await realtime.open_stream(grant, rooms)
    except TimeoutError:
        raise DeadlineExceeded("This took longer than it may.") from None
    return EventStream(stream, realtime)


async def _grant(request: Request, ticket: str | None, realtime: Realtime) -> Grant:
    shown = shown_in(dict(request.scope["headers"]))
    if ticket is None:
        return await realtime.admitting.shown(shown, realtime.admitting.address(request.scope))
    if shown is not None:
        raise BadRequest("Send a ticket or a token, not both.")
    return await realtime.admitting.ticket(ticket)


async def _left(receive: Receive) -> None:
    """Until the client has gone."""
    message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
