"""The gateway, put together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from socket import socket
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.common.bus.protocol import Bus, Message
from libs.common.cache import open_counters
from libs.common.settings import SERVICES
from libs.common.tokens import PublicKeys, Signer, Verifier
from libs.common.web.client import ServiceClient
from libs.common.web.context import Surroundings
from libs.common.web.errors import install_error_handlers
from libs.common.web.guard import Guard
from libs.common.web.routing import RouteTable
from libs.common.web.serving import Site
from services.gateway.clients import Probes, UsersClient, open_http
from services.gateway.domain.addresses import Addresses, Networks
from services.gateway.domain.allowances import Limits
from services.gateway.domain.describing import Descriptions
from services.gateway.domain.entrance import Entrance
from services.gateway.domain.exchanging import KeyExchange
from services.gateway.domain.headers import Hosts
from services.gateway.domain.limiting import Limiter
from services.gateway.domain.origins import Origins
from services.gateway.domain.overview import Overview
from services.gateway.domain.table import AccessTable, Entry
from services.gateway.events import hear
from services.gateway.proxy.door import Door
from services.gateway.proxy.front import Front
from services.gateway.proxy.upstream import Upstream
from services.gateway.routes import documents, health
from services.gateway.routes.deps import Presence
from services.gateway.settings import GatewaySettings

PROBE_SECONDS = 1.0
ROUTERS = (health.routes, documents.routes)


def create_app(settings: GatewaySettings, *, bus: Bus | None = None) -> "Gateway":
    """The app; without a `bus` revoked keys open doors for up to a minute longer."""
    shared = settings.shared
    http = open_http()
    signer = Signer.at("gateway", shared.keys)
    verifier = Verifier(PublicKeys(shared.keys), "gateway")
    users = ServiceClient(
        "users", http, settings.peer("users"), signer, seconds=shared.internal_deadline
    )
    keys = KeyExchange(UsersClient(users))
    peers = {name: settings.peer(name) for name in SERVICES}
    routes = RouteTable.of(ROUTERS)
    presence = Presence()
    redis = shared.redis_url.get_secret_value() if shared.redis_url else None
    counters = open_counters(redis, prefix=f"{shared.redis_prefix}gateway:")
    own = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for each in ROUTERS:
        own.include_router(each)
    own.state.presence = presence
    own.state.descriptions = Descriptions(settings.api_docs)
    own.state.overview = Overview(
        Probes(http, peers, seconds=PROBE_SECONDS),
        is_embedded=shared.is_embedded,
        has_redis=shared.redis_url is not None,
    )
    install_error_handlers(own)
    own.add_middleware(Guard, table=routes, verifier=verifier)
    front = Front(
        settings,
        entrance=Entrance(
            table=AccessTable.read(settings.access_file, own=_entries(routes)),
            verifier=verifier,
            keys=keys,
            hosts=Hosts(settings.allowed_hosts),
            addresses=Addresses(settings.trusted_proxies),
            origins=Origins(settings.allowed_origins),
            limits=Limits(settings.limits, is_on=settings.rate_limits),
            limiter=Limiter(counters),
            networks={name: Networks(each) for name, each in settings.allowed_networks.items()},
            https_only=settings.https_only,
        ),
        upstreams={
            name: Upstream(
                name,
                url,
                calls=settings.calls.get(name, settings.calls_per_peer),
                held=settings.held_per_peer,
            )
            for name, url in peers.items()
        },
        own=own,
        routes=routes,
    )

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(http.aclose)
            await counters.start()
            stack.push_async_callback(counters.close)
            for upstream in front.upstreams.values():
                stack.callback(upstream.close)
            stack.push_async_callback(_end, asyncio.create_task(front.sweep()))
            if bus:
                hearing = hear(bus, keys, _nobody)
                stack.push_async_callback(_end, asyncio.create_task(hearing))
            presence.is_open = True
            yield
            presence.is_open = False

    return Gateway(front, presence, Surroundings(front, service="gateway"), running)


@dataclass(frozen=True)
class Gateway:
    """The gateway as a server runs it."""

    front: Front
    presence: Presence
    app: ASGIApp
    lifespan: Callable[[], Any]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def site(self, bound: socket) -> Site:
        """Where it answers: `bound`."""
        return Site(self, bound, self.lifespan, Door, self.leave)

    def leave(self) -> None:
        """Be unready, and let each answer be the last of its connection."""
        self.presence.is_open = False
        self.front.leave()


async def _nobody(_: Message) -> None:
    return


def _entries(routes: RouteTable) -> list[Entry]:
    return [Entry("gateway", rule.template, rule.methods, rule.access) for rule in routes.rules]


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
