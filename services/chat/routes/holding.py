"""Everything this service holds on somebody, for their export."""

from typing import Annotated, Any

from fastapi import Query, Response

from libs.common.db.uow import Transaction
from libs.common.web.auth import Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.chat.domain.thread import opened
from services.chat.models import Conversation
from services.chat.repository import ChatRepository

routes = router(prefix="/internal/people", tag="internal")
ALL = 1_000_000
Cases = Annotated[list[str], Query(max_length=1000)]


class Holding(Schema):
    held: dict[str, Any]


@routes.get("/{user_id}/export", response_model=Success[Holding])
async def everything_held(
    user_id: int,
    caller: Service,
    uow: Uow,
    case: Cases = [],  # noqa: B006 - read only
) -> Response:
    """What was said in the conversations of a person, and in those their cases were filed in."""
    async with uow.read() as tx:
        found = await ChatRepository(tx.session).of_person(f"user:{user_id}", case)
        held = [each for row in found if (each := await _conversation(tx, row))]
    return answer(Success(data=Holding(held={"conversations": held})))


async def _conversation(tx: Transaction, found: Conversation) -> dict[str, Any] | None:
    key = (await tx.vault.surviving_keys([found.subject])).get(found.subject)
    if key is None:
        return None
    said = [
        opened(key, row)
        for row in await ChatRepository(tx.session).messages(found.id, after=0, limit=ALL)
    ]
    return {
        "conversation_id": found.id,
        "channel": found.channel,
        "language": found.locale,
        "started_at": found.started_at.isoformat(),
        "messages": [
            {
                "sender": each.sender,
                "text": each.text,
                "attachments": each.attachments,
                "at": each.created_at.isoformat(),
            }
            for each in said
        ],
    }
