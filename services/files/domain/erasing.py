"""Forgetting somebody: their files go, bytes and all, with the names they gave them."""

from collections.abc import Sequence

from libs.common.db.uow import Transaction
from services.files.clients.store import Store
from services.files.domain.storing import forget
from services.files.models import FileAttachment
from services.files.repository import FileRepository


async def erase_person(tx: Transaction, store: Store, user_id: int) -> None:
    """Forget every file somebody sent in their own name.

    What is part of a case goes with that case: staff send what belongs to another.
    """
    await tx.vault.destroy_of(user_id)
    repository = FileRepository(tx.session)
    sent = await repository.of_owner(f"user:{user_id}")
    alone = [file for file in sent if await repository.case(file.grievance_id) is None]
    await _forget(tx, store, alone)


async def erase_case(tx: Transaction, store: Store, grievance_id: str) -> None:
    """Forget every file of a case, whoever sent it."""
    await _forget(tx, store, await FileRepository(tx.session).of_case(grievance_id, ()))


async def _forget(tx: Transaction, store: Store, files: Sequence[FileAttachment]) -> None:
    for file in files:
        # Done twice it is done once, so it need not wait for the commit.
        await store.remove(*await forget(tx, file))
