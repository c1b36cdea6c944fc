"""The gateway, put together."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from socket import socket
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.common.bus.protocol import Bus, Message
from libs.common.cache import Counters, open_counters
from libs.common.principal import Level
from libs.common.revocations import Revocations
from libs.common.settings import SERVICES
from libs.common.tokens import PublicKeys, Signer, Verifier
from libs.common.web.client import ServiceClient
from libs.common.web.context import Surroundings
from libs.common.web.errors import install_error_handlers
from libs.common.web.guard import Guard
from libs.common.web.responses import REFUSALS
from libs.common.web.revoking import DEADLINE_SECONDS, Revoking, of_users
from libs.common.web.routing import RouteTable
from libs.common.web.serving import Site
from services.gateway.clients import Probes, UsersClient, open_http
from services.gateway.clients.logs import LogsClient
from services.gateway.clients.owners import Owners, Tickets
from services.gateway.domain.addresses import Addresses, Networks
from services.gateway.domain.allowances import CLASSES, Limits
from services.gateway.domain.asking import Asked
from services.gateway.domain.callers import Callers
from services.gateway.domain.describing import Descriptions
from services.gateway.domain.entrance import Entrance
from services.gateway.domain.exchanging import KeyExchange
from services.gateway.domain.feeding import Feed, News
from services.gateway.domain.headers import Hosts
from services.gateway.domain.limiting import Limiter
from services.gateway.domain.origins import Origins
from services.gateway.domain.overview import Overview
from services.gateway.domain.rooms import OWNERS
from services.gateway.domain.table import AccessTable, Entry
from services.gateway.domain.ways import Ways
from services.gateway.events import hear
from services.gateway.proxy.door import Door
from services.gateway.proxy.front import Front
from services.gateway.proxy.gauges import shown
from services.gateway.proxy.tracing import TracingDoor
from services.gateway.proxy.upstream import Upstream
from services.gateway.realtime import Realtime
from services.gateway.routes import documents, events, health, stream
from services.gateway.routes.deps import Presence
from services.gateway.settings import GatewaySettings

PROBE_SECONDS = 1.0
ROUTERS = (health.routes, documents.routes, events.routes, stream.routes)


def create_app(settings: GatewaySettings, *, bus: Bus | None = None) -> "Gateway":
    """The app; without a `bus` nothing is pushed, and revoked keys are noticed in seconds."""
    shared = settings.shared
    http = open_http()
    signer = Signer.at("gateway", shared.keys)
    revoked = Revocations()
    verifier = Verifier(PublicKeys(shared.keys), "gateway", revoked=revoked)
    peers = {
        name: ServiceClient(name, http, shared.peer(name), signer, seconds=shared.internal_deadline)
        for name in SERVICES
    }
    keys = KeyExchange(UsersClient(peers["users"]))
    counters = open_counters(shared.redis, prefix=f"{shared.redis_prefix}gateway:")
    routes = RouteTable.of(ROUTERS)
    entrance = _entrance(settings, routes, verifier, keys, counters)
    realtime = Realtime(
        verifier=verifier,
        keys=keys,
        owners=Owners({kind: peers[name] for kind, name in OWNERS.items()}),
        tickets=Tickets(peers["users"]),
        bus=bus,
        origins=settings.allowed_origins,
        addresses=Addresses(settings.trusted_proxies),
        gate=partial(_listener, entrance),
    )
    news, presence = News(), Presence()
    own = _own(
        verifier,
        routes,
        presence=presence,
        realtime=realtime,
        feed=Feed(LogsClient(peers), news),
        descriptions=Descriptions(settings.api_docs),
        overview=Overview(
            Probes(http, {name: shared.peer(name) for name in SERVICES}, seconds=PROBE_SECONDS),
            is_embedded=shared.is_embedded,
            has_redis=shared.redis is not None,
        ),
    )
    users = ServiceClient("users", http, shared.peer("users"), signer, seconds=DEADLINE_SECONDS)

    async def end(sessions: Collection[str]) -> None:
        entrance.forget_callers()
        keys.forget_all(sessions)
        await realtime.end(sessions)

    front = Front(
        settings,
        entrance=entrance,
        upstreams={name: _upstream(settings, name) for name in SERVICES},
        own=own,
        routes=routes,
        realtime=realtime,
    )

    return Gateway(
        app=Surroundings(front, service="gateway"),
        front=front,
        door=TracingDoor if shared.is_traced else Door,
        realtime=realtime,
        news=news,
        presence=presence,
        keys=keys,
        revoking=Revoking(revoked, of_users(users), tell=end),
        counters=counters,
        http=http,
        bus=bus,
    )


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The gateway as a server runs it."""

    app: ASGIApp
    front: Front
    door: type[Door]
    realtime: Realtime
    news: News
    presence: Presence
    keys: KeyExchange
    revoking: Revoking
    counters: Counters
    http: AbstractAsyncContextManager[Any]
    bus: Bus | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def site(self, bound: socket) -> Site:
        """Where it answers: `bound`."""
        return Site(self, bound, self.lifespan, self.door, self.leave)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """What it holds open while it runs."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.http)
            await self.counters.start()
            stack.push_async_callback(self.counters.close)
            for upstream in self.front.upstreams.values():
                stack.callback(upstream.close)
            stack.enter_context(shown(self.front.upstreams.values(), self.front.doors))
            stack.push_async_callback(_end, asyncio.create_task(self.front.sweep()))
            stack.push_async_callback(self.realtime.close)
            stack.push_async_callback(_end, asyncio.create_task(self.revoking.run()))
            if self.bus:
                hearing = hear(self.bus, self.keys, self.revoking, self._push)
                stack.push_async_callback(_end, asyncio.create_task(hearing))
            self.presence.is_open = True
            yield
            self.presence.is_open = False

    async def leave(self) -> None:
        """Be unready, let each answer be the last of its connection, and send listeners away."""
        self.presence.is_open = False
        self.news.end()
        await self.front.leave()

    async def _push(self, message: Message) -> None:
        self.news.heard()
        await self.realtime.hear(message)


def _own(verifier: Verifier, routes: RouteTable, **state: object) -> FastAPI:
    """The app of what the gateway answers itself."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, responses=REFUSALS)
    for each in ROUTERS:
        app.include_router(each)
    for name, value in state.items():
        setattr(app.state, name, value)
    install_error_handlers(app)
    app.add_middleware(Guard, table=routes, verifier=verifier)
    return app


def _entrance(
    settings: GatewaySettings,
    routes: RouteTable,
    verifier: Verifier,
    keys: KeyExchange,
    counters: Counters,
) -> Entrance:
    own = [Entry("gateway", rule.template, rule.methods, rule.access) for rule in routes.rules]
    ways = Ways(
        table=AccessTable.read(settings.access_file, own=own),
        hosts=Hosts(settings.allowed_hosts),
        addresses=Addresses(settings.trusted_proxies),
        origins=Origins(settings.allowed_origins),
        networks=_networks(settings),
        https_only=settings.https_only,
    )
    return Entrance(
        ways=ways,
        callers=Callers(verifier, keys),
        limits=Limits(settings.limits, is_on=settings.rate_limits),
        limiter=Limiter(counters),
    )


def _networks(settings: GatewaySettings) -> dict[str, Networks]:
    """Where each class of routes is open to. Raises ValueError for a class there is not."""
    known = {level.name.lower() for level in Level} | CLASSES.keys()
    if unknown := settings.allowed_networks.keys() - known:
        raise ValueError(f"There are no routes of the class {', '.join(sorted(unknown))}.")
    return {name: Networks(each) for name, each in settings.allowed_networks.items()}


async def _listener(entrance: Entrance, scope: Scope) -> None:
    """Let in who wants to listen, as everybody is let in. Raises AppError."""
    asked = Asked("GET", (scope.get("client") or ("", 0))[0])
    asked.read(scope["raw_path"] + b"?" + scope["query_string"], scope["headers"])
    await entrance.admit_listener(asked)


def _upstream(settings: GatewaySettings, name: str) -> Upstream:
    calls = settings.calls.get(name, settings.calls_per_peer)
    return Upstream(name, settings.shared.peer(name), calls=calls, held=settings.held_per_peer)


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
