"""The gateway, put together: a plain ASGI app, so that nothing stands in a byte's way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from libs.common.bus.protocol import Bus, Subscription
from libs.common.errors import AppError, NotFound
from libs.common.logging import get_logger
from libs.common.settings import SERVICES
from libs.common.tokens import PublicKeys, Signer, Verifier
from libs.common.web.client import ServiceClient
from libs.common.web.context import Surroundings
from libs.common.web.errors import MethodNotAllowed
from libs.common.web.guard import check_body_headers, check_query
from libs.common.web.responses import refusal
from services.gateway.clients import Probes, UsersClient, open_http
from services.gateway.domain import headers, targets
from services.gateway.domain.admission import Admission
from services.gateway.domain.bodies import Body, ClientGone, Leaving
from services.gateway.domain.exchanging import KeyExchange
from services.gateway.domain.table import AccessTable, Entry
from services.gateway.events import hear_revocations
from services.gateway.proxy import AnswerBroke, Call, Proxy
from services.gateway.routes.own import OwnRoutes
from services.gateway.settings import GatewaySettings

log = get_logger(__name__)

PROBE_SECONDS = 1.0
CLIENT_GONE = 499
READING = frozenset({"GET", "HEAD"})
UNHEARD = frozenset({401, 408})
"""Refusals whose sender gets no more of our time: strangers, and who sends nothing anyway."""


def create_app(settings: GatewaySettings, *, bus: Bus | None = None) -> "Front":
    """The app; without a `bus` revoked keys open doors for up to a minute longer."""
    shared = settings.shared
    http = open_http()
    signer = Signer.at("gateway", shared.keys)
    users = ServiceClient(
        "users", http, settings.peer("users"), signer, seconds=shared.internal_deadline
    )
    keys = KeyExchange(UsersClient(users))
    peers = {name: settings.peer(name) for name in SERVICES}
    gateway = Gateway(
        table=AccessTable.read(settings.access_file),
        hosts=headers.Hosts(settings.allowed_hosts),
        admission=Admission(Verifier(PublicKeys(shared.keys), "gateway"), keys),
        proxy=Proxy(settings, SERVICES),
        own=OwnRoutes(
            Probes(http, peers, seconds=PROBE_SECONDS),
            docs=settings.api_docs,
            is_embedded=shared.is_embedded,
            has_redis=shared.redis_url is not None,
        ),
        pause=settings.body_seconds,
    )

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(http.aclose)
            await gateway.proxy.open()
            stack.push_async_callback(gateway.proxy.close)
            if bus:
                hearing = asyncio.create_task(hear_revocations(bus, keys))
                stack.push_async_callback(_end, hearing)
            gateway.own.is_open = True
            yield
            gateway.own.is_open = False

    return Front(Surroundings(gateway, service="gateway"), running)


@dataclass(frozen=True)
class Front:
    """The gateway as a server runs it: an app, and what it holds open meanwhile."""

    app: ASGIApp
    lifespan: Callable[[], AbstractAsyncContextManager[None]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Gateway:
    """Decides about a request, and passes it on or refuses it."""

    def __init__(
        self,
        *,
        table: AccessTable,
        hosts: headers.Hosts,
        admission: Admission,
        proxy: Proxy,
        own: OwnRoutes,
        pause: float,
    ) -> None:
        self.proxy = proxy
        self.own = own
        self._table = table
        self._hosts = hosts
        self._admission = admission
        self._pause = pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        length = _promised(scope["headers"])
        body = Body(receive, limit=0, pause=self._pause)
        body.is_complete = length == 0
        try:
            await self._answer(scope, receive, send, body, length)
        except AppError as error:
            scope["state"]["code"] = error.code
            await _refuse(error, scope, body, send)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, body: Body, length: int | None
    ) -> None:
        query: bytes = scope["query_string"]
        raw_path, path = targets.clean(scope["raw_path"], query)
        once, passed_on = headers.read(scope["headers"])
        self._hosts.check(once.get(b"host", b""))
        if path in self.own.paths:
            await self._answer_own(path, scope, receive, send)
            return
        entry = self._entry(scope, path)
        scope["state"]["route"] = entry.template
        token = await self._admission.token(entry.access, once)
        check_query(query)
        check_body_headers(entry.access, once)
        body.limit = entry.access.body
        target = raw_path + b"?" + query if query else raw_path
        call = Call(
            method=scope["method"] if scope["method"] in entry.methods else "GET",
            service=entry.service,
            target=target.decode("ascii"),
            headers=passed_on,
            seconds=entry.access.seconds,
            length=length,
            body=body,
            request_id=scope["state"]["request_id"],
            token=token,
            is_head=scope["method"] == "HEAD",
        )
        await self._forward(call, Leaving(receive), send)

    async def _forward(self, call: Call, leaving: Leaving, send: Send) -> None:
        try:
            await self.proxy.forward(call, leaving, send)
        except ClientGone:
            pass
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not leaving.has_left or task is None:
                raise
            task.uncancel()
        except AnswerBroke:
            # Ending without the end of the answer closes the connection: it is cut, visibly.
            return
        else:
            return
        finally:
            leaving.stop()
        if not call.is_answered:
            await send({"type": "http.response.start", "status": CLIENT_GONE, "headers": []})

    def _entry(self, scope: Scope, path: str) -> Entry:
        found = self._table.find(scope["method"], path)
        if found.entry:
            return found.entry
        if found.methods:
            raise _NotAllowed(found.methods)
        raise NotFound("There is nothing here.")

    async def _answer_own(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["route"] = path
        if scope["method"] not in READING:
            raise _NotAllowed(READING)
        answer = await self.own.paths[path]()
        await answer(scope, receive, send)


class _NotAllowed(MethodNotAllowed):
    """Says which methods are, as RFC 9110 asks."""

    def __init__(self, methods: frozenset[str]) -> None:
        super().__init__("This method is not allowed here.")
        with_head = methods | {"HEAD"} if "GET" in methods else methods
        self.headers = {"Allow": ", ".join(sorted(with_head))}  # type: ignore[misc]


def _promised(given: list[headers.Header]) -> int | None:
    """How many bytes of body were promised; None when only the end will tell."""
    found = dict(given)
    if b"transfer-encoding" in found:
        return None
    length = found.get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _refuse(error: AppError, scope: Scope, body: Body, send: Send) -> None:
    """Say no. A body that was not read goes no further than this, and closes the connection."""
    answer = refusal(error, scope["state"]["request_id"])
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if not body.is_complete:
        answer.headers["Connection"] = "close"
    status, head = answer.status_code, answer.raw_headers
    await send({"type": "http.response.start", "status": status, "headers": head})
    if not body.is_complete and error.status not in UNHEARD:
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await body.discard()
        await send({"type": "http.response.body"})
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _end(hearing: asyncio.Task[Subscription]) -> None:
    hearing.cancel()
    with suppress(asyncio.CancelledError):
        await (await hearing).cancel()
