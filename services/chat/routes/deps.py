"""What routes are handed besides the caller and the unit of work."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import KIB, may
from services.chat.clients import GrievanceClient
from services.chat.domain.shelving import Shelf
from services.chat.settings import ChatSettings

Talker = Annotated[
    Principal,
    Depends(may(Permission.CHAT_WRITE, body=128 * KIB, seconds=12.0, limit="filing")),
]
Closer = Annotated[Principal, Depends(may(Permission.CHAT_WRITE))]
ChatLister = Annotated[Principal, Depends(may(Permission.CHAT_READ, limit="list"))]
ChatReader = Annotated[Principal, Depends(may(Permission.CHAT_READ, limit="poll"))]

ConversationId = Annotated[str, Path(max_length=20_000)]
MessageId = Annotated[str, Path(max_length=20_000)]


@dataclass(frozen=True, slots=True)
class Desk:
    """What it takes to answer: the register of cases, the book of questions, and the settings."""

    grievance: GrievanceClient
    shelf: Shelf
    settings: ChatSettings


async def _desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


AtDesk = Annotated[Desk, Depends(_desk)]
