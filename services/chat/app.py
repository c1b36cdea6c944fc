"""The chat service, put together."""

import asyncio

import httpx2
from fastapi import FastAPI

from libs.common.bus.protocol import Bus
from libs.common.web.service import Service
from services.chat.clients import GrievanceClient
from services.chat.domain.hearing import warm_up
from services.chat.domain.keeping import KeptFilings
from services.chat.domain.shelving import Shelf
from services.chat.events import hears
from services.chat.models import GROUND
from services.chat.routes import conversations, messages, seed, setup
from services.chat.routes.deps import Desk
from services.chat.settings import ChatSettings


def create_app(
    settings: ChatSettings, *, bus: Bus, transport: httpx2.AsyncBaseTransport | None = None
) -> FastAPI:
    """The app; `transport` carries calls to peers (the network without one)."""
    service = Service.open("chat", settings, ground=GROUND, bus=bus, transport=transport)
    grievance = GrievanceClient(service.peer("grievance"))
    shelf = Shelf(service.uow)
    kept = KeptFilings(service.uow, grievance, retry_seconds=settings.retry_seconds)

    async def prepare() -> None:
        await asyncio.to_thread(warm_up)
        await shelf.book()

    return service.app(
        routers=[messages.routes, conversations.routes, setup.routes, seed.routes],
        consumer=hears(),
        background=[service.round("kept_filings", kept.send_due, seconds=settings.retry_seconds)],
        state={"desk": Desk(grievance, shelf, settings)},
        prepare=prepare,
    )
