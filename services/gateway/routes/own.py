"""Health, version and the API's description."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel
from starlette.responses import HTMLResponse, Response

from libs.common.clock import monotonic, utc_now
from libs.common.errors import NotFound
from libs.common.web.health import VERSION
from libs.common.web.responses import JSON
from services.gateway.clients import Probes, Ready
from services.gateway.domain import describing

LOOK_SECONDS = 1.0
"""An answer is good for as long: a flood of questions asks the services once a second."""

Own = Callable[[], Awaitable[Response]]
Connected = Literal["connected", "disconnected", "not_configured"]


class Health(BaseModel):
    """The seed's four fields (S1-04), which mode this is, and who is ready."""

    status: Literal["healthy", "degraded"]
    timestamp: str
    database: Connected
    redis: Connected
    mode: Literal["embedded", "distributed"]
    services: dict[str, bool]


class OwnRoutes:
    """What the gateway answers without asking anybody to."""

    def __init__(self, probes: Probes, *, docs: Path, is_embedded: bool, has_redis: bool) -> None:
        self._probes = probes
        self._docs = docs
        self._is_embedded = is_embedded
        self._has_redis = has_redis
        self._looking: asyncio.Task[dict[str, Ready]] | None = None
        self._looked_at = float("-inf")
        self._described: dict[str, bytes] | None = None
        self.is_open = False
        self.paths: dict[str, Own] = {
            "/health": self.health,
            "/healthz": self.healthz,
            "/readyz": self.readyz,
            "/version": self.version,
            "/openapi.json": self.openapi,
            "/docs": self.docs,
        }

    async def health(self) -> Response:
        """How the whole system is: degraded when one service is not ready, never an error."""
        found = await self._look()
        services = {name: ready.is_ready for name, ready in found.items()}
        return _json(
            Health(
                status="healthy" if all(services.values()) else "degraded",
                timestamp=utc_now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                database=_connected(found, "database"),
                redis=_connected(found, "cache") if self._has_redis else "not_configured",
                mode="embedded" if self._is_embedded else "distributed",
                services=services,
            ).model_dump_json()
        )

    async def healthz(self) -> Response:
        """Whether this process lives."""
        return _json('{"status":"alive"}')

    async def readyz(self) -> Response:
        """Whether new requests are welcome; the services behind answer for themselves."""
        if self.is_open:
            return _json('{"status":"ready","checks":{}}')
        return _json('{"status":"not_ready","checks":{}}', 503)

    async def version(self) -> Response:
        """What this is."""
        return _json(f'{{"name":"redress","version":"{VERSION}"}}')

    async def openapi(self) -> Response:
        """The public API of all services in one document."""
        return _json(self._description("openapi"))

    async def docs(self) -> Response:
        """The same for people."""
        return HTMLResponse(
            self._description("html"),
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )

    def _description(self, form: str) -> bytes:
        if self._described is None:
            self._described = describing.described(self._docs)
        if not self._described:
            raise NotFound("There is no description of the API here.")
        return self._described[form]

    async def _look(self) -> dict[str, Ready]:
        """What the services say, at most LOOK_SECONDS ago."""
        if self._looking is None or monotonic() - self._looked_at > LOOK_SECONDS:
            self._looked_at = monotonic()
            self._looking = asyncio.create_task(self._probes.look())
        return await asyncio.shield(self._looking)


def _connected(found: dict[str, Ready], part: str) -> Connected:
    is_there = all(ready.checks.get(part, False) for ready in found.values())
    return "connected" if is_there else "disconnected"


def _json(body: str | bytes, status: int = 200) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, JSON)
