"""Forgetting somebody: what was said in their conversations is never read again."""

from collections.abc import Sequence

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from services.chat.models import Conversation, ConversationStatus
from services.chat.repository import ChatRepository


async def erase_person(tx: Transaction, user_id: int) -> None:
    """Forget what was said in the conversations somebody had in their own name."""
    await tx.vault.destroy_of(user_id)
    repository = ChatRepository(tx.session)
    await _forget(tx, repository, await repository.all_of(f"user:{user_id}"))


async def erase_case(tx: Transaction, grievance_id: str, conversation_id: str | None) -> None:
    """Forget what was said in the conversation a case was filed in, or is told of."""
    repository = ChatRepository(tx.session)
    named = {conversation_id, await repository.conversation_of(grievance_id)} - {None}
    await _forget(tx, repository, await repository.held([each for each in named if each]))


async def _forget(
    tx: Transaction, repository: ChatRepository, conversations: Sequence[Conversation]
) -> None:
    """Destroy the keys; what was to be filed is not, and no message keeps a name of its own."""
    for conversation in conversations:
        await tx.vault.destroy(conversation.subject)
        conversation.opening_key = None
        conversation.status = ConversationStatus.CLOSED
        conversation.ended_at = conversation.ended_at or utc_now()
    await repository.forget_words([each.id for each in conversations])
