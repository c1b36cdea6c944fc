"""The tasks service, put together."""

import httpx2
from fastapi import FastAPI

from libs.common.bus.protocol import Bus
from libs.common.web.service import Service
from services.tasks.clients.owners import OwnersClient
from services.tasks.domain.kinds import KINDS
from services.tasks.domain.registry import Registry
from services.tasks.events import hears
from services.tasks.models import GROUND
from services.tasks.routes import holding, internal, ledger, watching
from services.tasks.settings import TasksSettings
from services.tasks.worker import open_works


def create_app(
    settings: TasksSettings,
    *,
    bus: Bus,
    transport: httpx2.AsyncBaseTransport | None = None,
    registry: Registry = KINDS,
) -> FastAPI:
    """The app; `transport` carries calls to peers (the network without one)."""
    service = Service.open("tasks", settings, ground=GROUND, bus=bus, transport=transport)
    return service.app(
        routers=[ledger.routes, internal.routes, watching.routes, holding.routes],
        consumer=hears(),
        background=open_works(service, settings, registry=registry),
        state={
            "registry": registry,
            "owners": OwnersClient({name: service.peer(name) for name in ("grievance", "files")}),
        },
    )
