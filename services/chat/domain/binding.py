"""A guest has proved who they are: what was begun goes on as that person's (S4-06a)."""

from libs.common.db.uow import Transaction
from services.chat.domain import erasing
from services.chat.repository import ChatRepository


async def bind(tx: Transaction, guest_id: str, user_id: int) -> None:
    """Hand the conversations of a guest over, in whatever state their talk is."""
    user_id = await tx.vault.survivor(user_id)
    repository = ChatRepository(tx.session)
    conversations = await repository.all_of(guest_id)
    await repository.hand_over(guest_id, to=f"user:{user_id}")
    kept = [await tx.vault.belongs_to(each.subject, user_id) for each in conversations]
    if not all(kept):
        await erasing.erase_person(tx, user_id)
