"""Whether a service lives, is ready, and what it is: `/healthz`, `/readyz`, `/version`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from libs.common.errors import AppError
from libs.common.web.auth import Anyone
from libs.common.web.routing import router

Check = Callable[[], Awaitable[object]]
CHECK_SECONDS = 2.0
VERSION = "0.1.0"


class Readiness:
    """What must answer for a service to be ready, and whether it is leaving."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self.is_started = False
        self.is_leaving = False

    async def look(self) -> dict[str, bool]:
        """Each part, and whether it answers."""
        names = list(self._checks)
        answers = await asyncio.gather(*(self._ask(self._checks[name]) for name in names))
        return dict(zip(names, answers, strict=True))

    @property
    def is_open(self) -> bool:
        """Whether new requests are welcome."""
        return self.is_started and not self.is_leaving

    @staticmethod
    async def _ask(check: Check) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await check() is not False
        except (AppError, OSError, TimeoutError):
            return False


def health_routes(readiness: Readiness, *, needed: frozenset[str]) -> APIRouter:
    """The probes. Only what is in `needed` makes a service unready; the rest degrades it."""
    routes = router(tag="health")

    @routes.get("/healthz", include_in_schema=False)
    async def healthz(_: Anyone) -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz", include_in_schema=False)
    async def readyz(_: Anyone) -> Response:
        parts = await readiness.look()
        ready = readiness.is_open and all(parts[name] for name in needed)
        body: dict[str, Any] = {"status": "ready" if ready else "not_ready", "checks": parts}
        return JSONResponse(body, 200 if ready else 503)

    return routes
