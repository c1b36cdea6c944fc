"""What the door's own routes are handed."""

from typing import Annotated

from fastapi import Depends, Request

from services.gateway.domain.describing import Descriptions
from services.gateway.domain.overview import Overview


class Presence:
    """Whether new requests are welcome here."""

    def __init__(self) -> None:
        self.is_open = False


async def _overview(request: Request) -> Overview:
    found: Overview = request.app.state.overview
    return found


async def _presence(request: Request) -> Presence:
    found: Presence = request.app.state.presence
    return found


async def _descriptions(request: Request) -> Descriptions:
    found: Descriptions = request.app.state.descriptions
    return found


OverviewPort = Annotated[Overview, Depends(_overview)]
PresencePort = Annotated[Presence, Depends(_presence)]
DescriptionsPort = Annotated[Descriptions, Depends(_descriptions)]
