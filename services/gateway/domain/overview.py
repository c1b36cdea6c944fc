"""How the whole system is, asked of the services at most once a second."""

import asyncio
from typing import Literal

from pydantic import BaseModel, Field

from libs.common.clock import monotonic, utc_now
from services.gateway.clients import Probes, Ready

LOOK_SECONDS = 1.0
"""An answer is good for as long: a flood of questions asks the services once a second."""

Connected = Literal["connected", "disconnected", "not_configured"]


class Health(BaseModel):
    """The seed's four fields (S1-04), which mode this is, and who is ready."""

    status: Literal["healthy", "degraded"]
    timestamp: str = Field(examples=["2026-03-02T03:30:00.000Z"])
    database: Connected
    redis: Connected
    bus: Connected
    mode: Literal["embedded", "distributed"]
    services: dict[str, bool] = Field(examples=[{"users": True, "grievance": True}])


class Overview:
    """Looks at every service's readiness."""

    def __init__(self, probes: Probes, *, is_embedded: bool, has_redis: bool) -> None:
        self._probes = probes
        self._is_embedded = is_embedded
        self._has_redis = has_redis
        self._looking: asyncio.Task[dict[str, Ready]] | None = None
        self._looked_at = float("-inf")

    async def health(self) -> Health:
        """Degraded when one service is not ready, never an error."""
        if self._looking is None or monotonic() - self._looked_at > LOOK_SECONDS:
            self._looked_at = monotonic()
            self._looking = asyncio.create_task(self._probes.look())
        found = await asyncio.shield(self._looking)
        services = {name: ready.is_ready for name, ready in found.items()}
        is_well = all(services.values()) and all(
            all(ready.checks.values()) for ready in found.values()
        )
        return Health(
            status="healthy" if is_well else "degraded",
            timestamp=utc_now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            database=_connected(found, "database"),
            redis=_connected(found, "cache") if self._has_redis else "not_configured",
            bus=_connected(found, "bus"),
            mode="embedded" if self._is_embedded else "distributed",
            services=services,
        )


def _connected(found: dict[str, Ready], part: str) -> Connected:
    is_there = all(ready.checks.get(part, False) for ready in found.values())
    return "connected" if is_there else "disconnected"
