"""The chat service, put together."""

import argparse
import asyncio
import sys

import httpx2
from fastapi import FastAPI

from libs.common.bus.factory import open_bus
from libs.common.bus.protocol import Bus
from libs.common.cli import Refused, must_be_there
from libs.common.db.engine import Database
from libs.common.db.migrations import check_head
from libs.common.web.retaining import Kept
from libs.common.web.service import Service
from services.chat.clients import CaseLog, GrievanceClient
from services.chat.domain.erasing import retire
from services.chat.domain.hearing import warm_up
from services.chat.domain.keeping import KeptFilings
from services.chat.domain.relinking import rebuild
from services.chat.domain.shelving import Shelf
from services.chat.events import hears
from services.chat.models import GROUND
from services.chat.routes import conversations, holding, messages, seed, setup, watching
from services.chat.routes.deps import Desk
from services.chat.settings import ChatSettings

NO_GRIEVANCE = (
    "Within one process grievance has no fixed address: `python -m services rebuild-links` asks it "
    'without one. Or name where it answers: REDRESS_PEERS=\'{"grievance": "http://…"}\'.'
)

RETIRED = Kept("guest_chats", retire), Kept("seah_guest_chats", retire, restricted=True)


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
        routers=[
            messages.routes,
            conversations.routes,
            setup.routes,
            watching.routes,
            seed.routes,
            holding.routes,
        ],
        consumer=hears(),
        background=[
            service.round("kept_filings", kept.send_due, seconds=settings.retry_seconds),
            service.retaining(*RETIRED),
        ],
        state={"desk": Desk(grievance, shelf, settings)},
        prepare=prepare,
    )


async def rebuild_links(
    settings: ChatSettings,
    _: argparse.Namespace,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> None:
    """Make `case_links` again from grievance's log; chat and grievance may run meanwhile."""
    shared = settings.shared
    if shared.is_embedded and "grievance" not in shared.peers and transport is None:
        raise Refused(NO_GRIEVANCE)
    must_be_there(Database(settings.database("chat"), schema="chat").file)
    bus = open_bus(shared.bus, name="cli", prefix=shared.bus_prefix)
    service = Service.open("chat", settings, ground=GROUND, bus=bus, transport=transport)
    try:
        await check_head(service.database, "chat")
        await service.check_keyring(note=False)
        done = await rebuild(service.uow, CaseLog(service.peer("grievance")))
    finally:
        await service.http.aclose()
        await service.cache.close()
        await service.database.close()
    sys.stdout.write(
        f"{done.events} events read, {done.written} links written, {done.removed} removed\n"
    )
    if done.left:
        raise Refused(f"{done.left} links are being changed just now: run it again.")
