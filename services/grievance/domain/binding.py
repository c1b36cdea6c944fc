"""A guest has proved who they are: what they filed is that person's."""

from datetime import timedelta

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from services.grievance.domain import erasing
from services.grievance.repository import GrievanceRepository

GUEST = "guest:"
REMEMBERED = timedelta(days=30)
"""Longer than any token of a guest, and than chat keeps a filing nobody took."""


async def bind(tx: Transaction, guest_id: str, user_id: int) -> None:
    """Make the cases of a guest this person's; of two persons, the first one's."""
    user_id = await tx.vault.survivor(user_id)
    repository, now = GrievanceRepository(tx.session), utc_now()
    forget_before = now - REMEMBERED
    if not await repository.bind_guest(
        guest_id, user_id=user_id, at=now, forget_before=forget_before
    ):
        return
    for grievance in await repository.filed_by(guest_id):
        grievance.filed_by = _principal(user_id)
        if grievance.user_id is not None:
            continue
        grievance.user_id = user_id
        if not await tx.vault.belongs_to(grievance.subject, user_id):
            await erasing.erase_case(tx, grievance)


async def filer(tx: Transaction, by: str) -> str:
    """Who files: what a guest had under way when they proved who they are is the person's.

    Raises Erased.
    """
    if by.startswith(GUEST):
        user_id = await GrievanceRepository(tx.session).bound_to(by)
        by = by if user_id is None else _principal(user_id)
    return await tx.vault.writer(by)


def _principal(user_id: int) -> str:
    return f"user:{user_id}"
