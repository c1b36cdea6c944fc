"""How the system is, and what it is."""

from fastapi import Response
from pydantic import BaseModel

from libs.common.web.auth import Anyone
from libs.common.web.health import VERSION
from libs.common.web.responses import JSON
from libs.common.web.routing import router
from services.gateway.domain.overview import Health
from services.gateway.routes.deps import OverviewPort, PresencePort

routes = router(tag="health")


@routes.get("/health", response_model=Health)
async def read_health(caller: Anyone, overview: OverviewPort) -> Response:
    """How the whole system is: degraded when one service is not ready, never an error."""
    return _json((await overview.health()).model_dump_json())


@routes.get("/healthz", include_in_schema=False)
async def healthz(caller: Anyone) -> Response:
    """Whether this process lives."""
    return _json('{"status":"alive"}')


@routes.get("/readyz", include_in_schema=False)
async def readyz(caller: Anyone, presence: PresencePort) -> Response:
    """Whether new requests are welcome; the services behind answer for themselves."""
    if presence.is_open:
        return _json('{"status":"ready","checks":{}}')
    return _json('{"status":"not_ready","checks":{}}', 503)


class Version(BaseModel):
    """What this is, and which versions of the API it speaks."""

    name: str = "redress"
    version: str = VERSION
    api_versions: tuple[str, ...] = ("v1",)


@routes.get("/version", response_model=Version)
async def read_version(caller: Anyone) -> Response:
    """What this is, and which versions of the API it speaks."""
    return _json(Version().model_dump_json())


def _json(body: str, status: int = 200) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, JSON)
