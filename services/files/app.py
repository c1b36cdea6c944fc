"""The files service, put together."""

from functools import partial

import httpx2
from fastapi import FastAPI

from libs.common.bus.protocol import Bus
from libs.common.web.retaining import Kept
from libs.common.web.service import Service
from services.files.clients.grievance import GrievanceClient
from services.files.clients.store import Store
from services.files.domain.erasing import retire
from services.files.domain.sweeping import sweep
from services.files.events import hears
from services.files.models import GROUND
from services.files.routes import holding, internal, seed, serving, uploading, watching
from services.files.settings import FilesSettings


def create_app(
    settings: FilesSettings, *, bus: Bus, transport: httpx2.AsyncBaseTransport | None = None
) -> FastAPI:
    """The app; `transport` carries calls to peers (the network without one)."""
    service = Service.open("files", settings, ground=GROUND, bus=bus, transport=transport)
    store = Store(settings.uploads)

    async def tidy() -> None:
        await sweep(
            service.uow,
            store,
            orphan_seconds=settings.orphan_seconds,
            caseless_seconds=settings.caseless_seconds,
        )

    return service.app(
        routers=[
            uploading.routes,
            serving.routes,
            internal.routes,
            watching.routes,
            holding.routes,
            seed.routes,
        ],
        consumer=hears(store),
        background=[
            service.round("files.sweep", tidy, seconds=settings.sweep_seconds),
            service.retaining(Kept("guest_files", partial(retire, store=store))),
        ],
        state={"store": store, "cases": GrievanceClient(service.peer("grievance"))},
    )
