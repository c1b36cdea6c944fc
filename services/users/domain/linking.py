"""The contact of a case becomes a person of the vault, or is one already."""

from dataclasses import replace

from libs.common.contracts.users import UserLinked
from libs.common.db.uow import Transaction
from libs.common.phones import e164
from libs.common.principal import Role
from services.users.domain import people
from services.users.domain.people import Person
from services.users.models import User

TAKEN_OF_KNOWN = frozenset({"name", "address", "municipality"})
"""What a filing may add to somebody who is known: nothing anybody could be reached or found by."""


async def take_over(tx: Transaction, grievance_id: str, contact: Person, *, filed_by: str) -> User:
    """Make the contact of a case a person of the vault, or find the one it is.

    Whoever files may name anybody: of somebody who is known only what was missing is written
    down, and no new way to reach them; and an e-mail address that comes this way lets nobody in.
    Whom a restricted case names is kept apart, unless they filed it signed in.
    """
    number = e164(contact.phone_number) if contact.phone_number else None
    said = replace(contact, phone_number=number)
    by = f"grievance:{grievance_id}"
    user = await people.find_by_phone(tx, number, for_update=True) if number else None
    is_apart = tx.is_restricted and (user is None or user.principal_id != filed_by)
    if user is None or is_apart:
        user = await people.add(tx, said, role=Role.CITIZEN, by=by, is_apart=is_apart)
    else:
        missing = _missing(user, said)
        if missing:
            people.index(tx, user, missing)
            people.seal(await tx.vault.key(user.principal_id), user, missing)
            people.touched(tx, user, list(missing), by=by)
    tx.publish(UserLinked(grievance_id=grievance_id, user_id=user.user_id))
    return user


def _missing(user: User, said: Person) -> dict[str, str]:
    return {
        field: value
        for field, value in said.said().items()
        if field in TAKEN_OF_KNOWN and getattr(user, field) is None
    }
