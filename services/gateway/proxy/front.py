"""What all the doors of this process share, and the way to what the gateway answers itself."""

import asyncio
from collections.abc import Mapping
from functools import lru_cache

from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from libs.common.clock import monotonic
from libs.common.errors import AppError
from libs.common.logging import get_logger
from libs.common.web.responses import refusal
from libs.common.web.routing import RouteTable
from services.gateway.domain.asking import Asked
from services.gateway.domain.entrance import Entrance
from services.gateway.domain.headers import fields
from services.gateway.domain.ways import Preflight
from services.gateway.proxy.door import Door
from services.gateway.proxy.observing import Observer
from services.gateway.proxy.turn import Turn
from services.gateway.proxy.upstream import Upstream
from services.gateway.realtime import Realtime
from services.gateway.settings import GatewaySettings

log = get_logger(__name__)

SWEEP_SECONDS = 0.1
REALTIME = "/socket.io"


class Front:
    """Doors find here what they need; uvicorn finds here the ASGI app of what is not passed on."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        entrance: Entrance,
        upstreams: Mapping[str, Upstream],
        own: FastAPI,
        routes: RouteTable,
        realtime: Realtime,
    ) -> None:
        self.entrance = entrance
        self.upstreams = upstreams
        self.head_seconds = settings.head_seconds
        self.body_seconds = settings.body_seconds
        self.idle_seconds = settings.idle_seconds
        self.keep_alive_seconds = settings.keep_alive_seconds
        self.max_connections = settings.max_connections
        self.doors: set[Door] = set()
        self.turn = Turn()
        self._observer = Observer()
        self.saw = self._observer.saw
        self.own = own
        self._realtime = realtime
        templates = [rule.template.encode() for rule in routes.rules]
        self._own_paths = frozenset(template for template in templates if b"{" not in template)
        prefixes = (template.partition(b"{")[0] for template in templates if b"{" in template)
        self._own_prefixes = (REALTIME.encode(), *prefixes)
        self.is_own = lru_cache(maxsize=1024)(self._is_own)
        """Whether the gateway answers a target itself."""

    def _is_own(self, target: bytes) -> bool:
        path = target.partition(b"?")[0].removesuffix(b"/")
        return path in self._own_paths or path.startswith(self._own_prefixes)

    async def leave(self) -> None:
        """Let each answer be the last of its connection, and send away who only listens."""
        for door in self.doors:
            door.leave()
        await self._realtime.close()

    async def sweep(self) -> None:
        """End what takes too long, and settle what was counted, until cancelled."""
        try:
            while True:
                await asyncio.sleep(SWEEP_SECONDS)
                self._observer.settle()
                self._tire()
                for upstream in self.upstreams.values():
                    upstream.let_go()
        finally:
            self._observer.settle()

    def _tire(self) -> None:
        now = monotonic()
        for door in list(self.doors):
            if door.until <= now:
                door.tire()
            elif door.answering and door.answering.until <= now:
                door.answering.look_at_clock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what the gateway answers itself, to whom it lets in."""
        if scope["type"] != "http" or scope["path"].startswith(REALTIME):
            await self._realtime(scope, receive, send)
            return
        asked = Asked(scope["method"], (scope.get("client") or ("", 0))[0])

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *fields(asked.told)]
            await send(message)

        try:
            asked.read(scope["raw_path"] + b"?" + scope["query_string"], scope["headers"])
            await self.entrance.admit(asked)
        except Preflight:
            await Response(status_code=204)(scope, receive, telling)
            return
        except AppError as error:
            scope["state"]["code"] = error.code
            await refusal(error, scope["state"]["request_id"])(scope, receive, telling)
            return
        scope = {**scope, "path": asked.target.path}
        if asked.method == "HEAD":
            scope["method"] = "GET"  # the server leaves the body out
        if asked.token:
            named = [header for header in scope["headers"] if header[0] not in _CREDENTIALS]
            scope["headers"] = [*named, (b"authorization", b"Bearer " + asked.token)]
        await self.own(scope, self._patient(receive), telling)

    def _patient(self, receive: Receive) -> Receive:
        """`receive`, which does not wait without an end for a body that was promised."""
        is_over = False

        async def patient() -> Message:
            nonlocal is_over
            if is_over:
                return await receive()
            async with asyncio.timeout(self.body_seconds):
                message = await receive()
            is_over = not message.get("more_body", False)
            return message

        return patient


_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})
