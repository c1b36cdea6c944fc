"""What surrounds a request: its id, its span, its deadline, its line in the log, its count."""

import asyncio
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.clock import monotonic
from libs.common.ids import REQUEST_ID, new_id
from libs.common.logging import bind, get_logger, unbind_all
from libs.common.telemetry import REQUEST_SECONDS, REQUESTS, span, trace_id
from libs.common.web.errors import Unforeseen
from libs.common.web.responses import refusal

log = get_logger(__name__)

QUIET = frozenset({"/healthz", "/readyz", "/internal/revocations"})
"""Asked every few moments by programs of ours: a line for each would drown the others."""

deadline_at: ContextVar[float | None] = ContextVar("deadline_at", default=None)
"""When, on the monotonic clock, the caller stops waiting."""

caller_token: ContextVar[str | None] = ContextVar("caller_token", default=None)
"""The verified token of whom this request serves, to be passed on to peers."""

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)


def seconds_left(at_most: float) -> float:
    """Seconds until the caller stops waiting, and no more than `at_most`."""
    at = deadline_at.get()
    return at_most if at is None else max(0.0, min(at_most, at - monotonic()))


class Surroundings:
    """The outermost layer: nothing gets out unlogged, uncounted or without the refusal shape."""

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if REQUEST_ID.fullmatch(given) else new_id()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        current_request_id.set(request_id)
        parent = headers.get(b"traceparent", b"").decode("latin-1") or None
        unbind_all()
        with span(f"{scope['method']} {self._service}", parent=parent):
            bind(service=self._service, request_id=request_id, trace_id=trace_id())
            await self._observed(scope, receive, send, request_id)

    async def _observed(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = monotonic()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:
            status = status or 499
            raise
        except Exception:
            log.exception("request.failed", route=scope["state"].get("route"))
            if not status:
                await refusal(Unforeseen("Something went wrong on our side."), request_id)(
                    scope, receive, noting
                )
        finally:
            self._count(scope, status, monotonic() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope["state"].get("route", "unmatched")
        REQUESTS.labels(self._service, scope["method"], route, str(status)).inc()
        REQUEST_SECONDS.labels(self._service, route).observe(seconds)
        if route not in QUIET:
            log.info(
                "request.answered",
                method=scope["method"],
                route=route,
                status=status,
                code=scope["state"].get("code"),
                duration_ms=round(seconds * 1000, 1),
            )
