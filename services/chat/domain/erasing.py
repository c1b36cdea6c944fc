"""Forgetting somebody: what was said in their conversations is never read again."""

from collections.abc import Sequence
from datetime import datetime

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from services.chat.models import Conversation, ConversationStatus
from services.chat.repository import ChatRepository


async def erase_person(tx: Transaction, user_id: int) -> None:
    """Forget what was said in the conversations somebody had in their own name."""
    repository = ChatRepository(tx.session)
    await _forget(tx, repository, await repository.all_of(f"user:{user_id}"))


async def erase_case(tx: Transaction, grievance_id: str, conversation_id: str | None) -> None:
    """Forget what was said in the conversation a case was filed in, or is told of."""
    repository = ChatRepository(tx.session)
    named = {conversation_id, await repository.conversation_of(grievance_id)} - {None}
    await _forget(tx, repository, await repository.held([each for each in named if each]))


async def retire(tx: Transaction, before: datetime, limit: int) -> int:
    """Forget talks of guests that led to no case, silent since `before`; answer how many.

    Each stays as a closed conversation. What is restricted forgets what is restricted, by a rule
    of its own.
    """
    repository = ChatRepository(tx.session)
    talks = await repository.unclaimed(before, restricted=tx.is_restricted, limit=limit)
    await _forget(tx, repository, talks)
    return len(talks)


async def _forget(
    tx: Transaction, repository: ChatRepository, conversations: Sequence[Conversation]
) -> None:
    """Destroy the keys; what was to be filed is not, and no message keeps a name of its own."""
    if not conversations:
        return
    await tx.vault.destroy(*(each.subject for each in conversations))
    for conversation in conversations:
        conversation.opening_key = None
        conversation.unclaimed_since = None
        conversation.status = ConversationStatus.CLOSED
        conversation.ended_at = conversation.ended_at or utc_now()
    await repository.forget_words([each.id for each in conversations])
