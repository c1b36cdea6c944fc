"""Everything this service holds on somebody, for their export."""

from collections.abc import Sequence
from typing import Any

from libs.common.db.uow import Transaction
from libs.common.web.holding import holding_routes
from services.chat.domain.thread import opened
from services.chat.models import Conversation
from services.chat.repository import ChatRepository

ALL = 1_000_000


async def everything_held(tx: Transaction, user_id: int, cases: Sequence[str]) -> dict[str, Any]:
    """What was said in the conversations of a person, and in those their cases were filed in."""
    found = await ChatRepository(tx.session).of_person(f"user:{user_id}", cases)
    return {"conversations": [each for row in found if (each := await _conversation(tx, row))]}


routes = holding_routes(everything_held)


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
