"""The grievance service, put together."""

import httpx2
from fastapi import FastAPI

from libs.common.bus.protocol import Bus
from libs.common.web.service import Service
from services.grievance.clients import FilesClient, TasksClient, UsersClient
from services.grievance.events import hears
from services.grievance.models import GROUND
from services.grievance.routes import (
    actions,
    cases,
    filing,
    holding,
    internal,
    seed,
    watching,
)
from services.grievance.settings import GrievanceSettings


def create_app(
    settings: GrievanceSettings, *, bus: Bus, transport: httpx2.AsyncBaseTransport | None = None
) -> FastAPI:
    """The app; `transport` carries calls to peers (the network without one)."""
    service = Service.open("grievance", settings, ground=GROUND, bus=bus, transport=transport)
    return service.app(
        # Exact paths such as /grievances/track come before templates: see RouteTable.
        routers=[
            filing.routes,
            actions.routes,
            cases.routes,
            internal.routes,
            internal.persons,
            watching.routes,
            holding.routes,
            seed.routes,
            seed.single,
        ],
        consumer=hears(TasksClient(service.peer("tasks"))),
        state={
            "users": UsersClient(service.peer("users")),
            "files": FilesClient(service.peer("files")),
            "settings": settings,
            "cache": service.cache,
        },
    )
