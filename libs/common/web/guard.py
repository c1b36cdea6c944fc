"""The guard at a service's door: who, what and how much, decided before a byte of body is read.

It looks the route up in the table, verifies the token itself (a service trusts no header and no
gateway), and holds the call to its media type, its body cap and its deadline.
"""

import asyncio
import re
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.clock import monotonic
from libs.common.errors import (
    AppError,
    DeadlineExceeded,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    UnsupportedType,
)
from libs.common.logging import bind
from libs.common.principal import Principal
from libs.common.tokens import InvalidToken, Verifier
from libs.common.web.auth import ANYBODY, Access
from libs.common.web.context import caller_token, deadline_at
from libs.common.web.errors import MethodNotAllowed
from libs.common.web.responses import refusal
from libs.common.web.routing import RouteTable

_JSON = re.compile(rb"application/(?:[\w.\-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
_FORM = re.compile(rb"multipart/form-data\s*(?:;.*)?", re.IGNORECASE)
_URLENCODED = re.compile(rb"application/x-www-form-urlencoded\s*(?:;.*)?", re.IGNORECASE)
_BAD_QUERY = re.compile(rb"%00|%(?![0-9A-Fa-f]{2})", re.IGNORECASE)
_DEADLINE = re.compile(rb"[0-9]{1,4}(?:\.[0-9]{1,6})?")
MAX_TARGET = 8192


class Guard:
    """Refuses early, or lets the call through with a verified principal in its state."""

    def __init__(self, app: ASGIApp, *, table: RouteTable, verifier: Verifier) -> None:
        self._app = app
        self._table = table
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope["state"]
        try:
            access = self._admit(scope, dict(scope["headers"]))
        except AppError as error:
            state["code"] = error.code
            await refusal(error, state["request_id"])(scope, receive, send)
            return
        await self._within_deadline(access, scope, receive, send)

    def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> Access:
        path = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            path = scope["path"] = path.rstrip("/") or "/"
        rule, methods = self._table.find(scope["method"], path)
        if rule is None:
            if methods:
                raise MethodNotAllowed("This method is not allowed here.")
            raise NotFound("There is nothing here.")
        scope["state"]["route"] = rule.template
        scope["state"]["principal"] = self._principal(rule.access, scope, headers)
        check_query(scope["query_string"])
        check_body_headers(rule.access, headers)
        return rule.access

    def _principal(self, access: Access, scope: Scope, headers: dict[bytes, bytes]) -> Principal:
        if access.is_public:
            return ANYBODY
        token = bearer(headers)
        principal = self._verifier.verify(token, half=access.half)
        if not access.admits(principal):
            raise Forbidden("You may not do this.")
        behalf = headers.get(b"x-on-behalf-of") if access.is_internal else None
        if behalf is not None:
            token = behalf.decode("latin-1")
            scope["state"]["on_behalf_of"] = self._verifier.verify(token)
        caller_token.set(token)
        bind(principal=principal.id, role=principal.role.value)
        return principal

    async def _within_deadline(
        self, access: Access, scope: Scope, receive: Receive, send: Send
    ) -> None:
        seconds = access.seconds
        given = dict(scope["headers"]).get(b"x-deadline", b"")
        if _DEADLINE.fullmatch(given):
            seconds = min(seconds, float(given))
        deadline_at.set(monotonic() + seconds)
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(seconds):
                await self._app(scope, capped(receive, access.body), noting)
        except TimeoutError:
            if started:
                raise
            scope["state"]["code"] = DeadlineExceeded.code
            error = DeadlineExceeded("This took longer than it may.")
            await refusal(error, scope["state"]["request_id"])(scope, receive, send)


def bearer(headers: dict[bytes, bytes]) -> str:
    """The token of the Authorization header. Raises Unauthenticated or InvalidToken."""
    value = headers.get(b"authorization", b"").decode("latin-1").strip()
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Sign in first: send `Authorization: Bearer …`.")
    if " " in token.strip() or "," in token:
        raise InvalidToken("Send one token.")
    return token.strip()


def check_query(query: bytes) -> None:
    """Refuse a query that one reader takes for one thing and another for another."""
    if _BAD_QUERY.search(query):
        raise Invalid("The query is malformed.")
    if b"%" in query:
        try:
            _unquoted(query).decode("utf-8")
        except UnicodeDecodeError:
            raise Invalid("The query is not UTF-8.") from None


def _unquoted(query: bytes) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), query)


def check_body_headers(access: Access, headers: dict[bytes, bytes]) -> None:
    """Refuse by the headers what the body would be refused for."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > access.body:
        raise TooLarge("The request is too large.", limit=access.body)
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise UnsupportedType("Send the body as it is, not compressed.")
    kind = headers.get(b"content-type")
    if kind is None or not (length not in {b"", b"0"} or b"transfer-encoding" in headers):
        return
    if access.media is not None and kind.strip().lower() == access.media.encode():
        return
    wanted = [_JSON, _FORM, _URLENCODED] if access.form else [_JSON]
    if not any(pattern.fullmatch(kind.strip()) for pattern in wanted):
        raise UnsupportedType("This route does not read that media type.")


def capped(receive: Receive, limit: int) -> Receive:
    """`receive`, which refuses to go on past `limit` bytes of body."""
    taken = 0

    async def counted() -> Any:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > limit:
                raise TooLarge("The request is too large.", limit=limit)
        return message

    return counted
