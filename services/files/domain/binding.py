"""A guest has proved who they are: what they sent is that person's."""

from datetime import timedelta

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from services.files.clients.store import Store
from services.files.domain import erasing
from services.files.repository import FileRepository

REMEMBERED = timedelta(days=30)


async def bind(tx: Transaction, store: Store, guest_id: str, user_id: int) -> None:
    """Make the files of a guest this person's; of two persons, the first one's."""
    user_id = await tx.vault.survivor(user_id)
    repository, now = FileRepository(tx.session), utc_now()
    forget_before = now - REMEMBERED
    if not await repository.bind_guest(
        guest_id, user_id=user_id, at=now, forget_before=forget_before
    ):
        return
    files = await repository.of_owner(guest_id)
    for file in files:
        file.owner = f"user:{user_id}"
    kept = [await tx.vault.belongs_to(file.subject, user_id) for file in files]
    if not all(kept):
        await erasing.erase_person(tx, store, user_id)


async def names_of(tx: Transaction, filer: str) -> frozenset[str]:
    """Whose files may go with what `filer` filed: theirs, and of whom they proved to be."""
    user_id = await FileRepository(tx.session).bound_to(filer)
    person = filer if user_id is None else f"user:{user_id}"
    return frozenset({filer, await tx.vault.who_is(person)})
