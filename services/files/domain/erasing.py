"""Forgetting somebody: their files go, bytes and all, with the names they gave them."""

from collections.abc import Sequence
from datetime import datetime

from libs.common.db.uow import Transaction
from services.files.clients.store import Store
from services.files.domain.storing import forget
from services.files.models import FileAttachment
from services.files.repository import FileRepository


async def erase_person(tx: Transaction, user_id: int, store: Store) -> None:
    """Forget every file somebody sent in their own name.

    What is part of a case goes with that case: staff send what belongs to another.
    """
    repository = FileRepository(tx.session)
    sent = await repository.of_owner(f"user:{user_id}")
    alone = [file for file in sent if await repository.case(file.grievance_id) is None]
    await _forget(tx, store, alone)


async def erase_case(tx: Transaction, store: Store, grievance_id: str) -> None:
    """Forget every file of a case, whoever sent it."""
    await _forget(tx, store, await FileRepository(tx.session).of_case(grievance_id, ()))


async def retire(tx: Transaction, before: datetime, limit: int, *, store: Store) -> int:
    """Forget what guests sent before then, and no case has become of; answer how many files."""
    files = await FileRepository(tx.session).unclaimed(before, limit=limit)
    await _forget(tx, store, files)
    return len(files)


async def _forget(tx: Transaction, store: Store, files: Sequence[FileAttachment]) -> None:
    for file in files:
        # Done twice it is done once, so it need not wait for the commit.
        await store.remove(*await forget(tx, file))
