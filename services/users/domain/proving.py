"""Whose a phone number or an e-mail address is, for certain: theirs who showed a code sent to it.

Anybody may say it of anybody: administrators, filings, merges. That opens nothing. Who has proved
one contact is let in by no other that was only said, and nobody else takes the proved one away.
"""

from collections.abc import Sequence

from libs.common.db.uow import Transaction
from libs.common.errors import Conflict
from services.users.models import User
from services.users.repository.people import UserRepository


class ContactProven(Conflict):
    """They proved who they are, and would be somebody else by this: only they may do it."""

    code = "CONTACT_PROVEN"


async def has_proven(tx: Transaction, user: User) -> bool:
    """Whether anybody ever signed in as `user`, or as who became part of them, by a code."""
    return await UserRepository(tx.session).has_proven(user)


async def check_unproven(tx: Transaction, user: User) -> None:
    """Raises ContactProven for a citizen somebody signed in as."""
    if not user.is_staff and await has_proven(tx, user):
        raise ContactProven("This person has proved who they are.")


def said_by_another(user: User, *, was_phone: bytes | None, was_email: bytes | None) -> None:
    """What was replaced is proven no more. Raises ContactProven when a citizen had proved it."""
    indexes = {
        "is_phone_proven": (was_phone, user.phone_index),
        "is_email_proven": (was_email, user.email_index),
    }
    for flag, (was, now) in indexes.items():
        if was == now:
            continue
        if getattr(user, flag) and not user.is_staff:
            raise ContactProven("This person has proved their phone or e-mail address.")
        setattr(user, flag, False)


async def with_phone(tx: Transaction, phone_index: bytes) -> User | None:
    """Who is let in by a phone that was proved just now, if they are known.

    Where it was only said of staff, or of who has proved another contact, it is said no more:
    they were let in otherwise, and whoever has the phone may be somebody else.
    """
    repository = UserRepository(tx.session)
    user = await repository.by_phone(phone_index, for_update=True)
    row = await repository.having_phone(phone_index) if user else None
    if user is None or row is None or row.is_phone_proven:
        return user
    if not user.is_staff and not await has_proven(tx, user):
        row.is_phone_proven = True
        return user
    row.phone_index = None
    user.version += 1
    # The database must know that the phone is free before somebody else has it.
    await tx.session.flush()
    return None


async def named_apart(tx: Transaction, user: User) -> Sequence[User]:
    """Whom restricted cases name with the phone that `user` has proved."""
    if not user.is_phone_proven or user.phone_index is None:
        return []
    return await UserRepository(tx.session).apart(user.phone_index)


async def who_proved(tx: Transaction, user: User) -> User:
    """Who has proved the phone by which a restricted case names `user`; else `user`."""
    if user.apart_index is None:
        return user
    repository = UserRepository(tx.session)
    row = await repository.having_phone(user.apart_index)
    found = await repository.by_phone(user.apart_index) if row and row.is_phone_proven else None
    return found or user
