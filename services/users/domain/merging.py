"""Two rows that are one person become one.

Of the other remains its number, and the blind indexes of what the survivor has otherwise: whoever
has two phones is found by both, and let in by the one that is proved first.
"""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from libs.common.contracts.users import UserMerged
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict, Invalid
from libs.common.principal import Principal
from services.users.domain import people, preferring, proving, sessions
from services.users.domain.auditing import record
from services.users.models import Act, User
from services.users.repository.people import UserNotFound, UserRepository
from services.users.repository.privacy import ConsentRepository, PreferenceRepository


class MergeReason(StrEnum):
    """How somebody knows that two are one."""

    DUPLICATE_REGISTRATION = "duplicate_registration"
    IDENTITY_CHECKED = "identity_checked"
    PERSON_SAID_SO = "person_said_so"


class StaffNotMerged(Conflict):
    """Whoever works here is who they are: their acts are told of under their number."""

    code = "STAFF_NOT_MERGED"


class IntoThemselves(Invalid):
    """Nobody is merged with themselves."""

    code = "MERGE_INTO_ITSELF"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows of one person, held until the transaction ends."""

    gone: User
    survivor: User


def check_two(user_id: int, into_user_id: int) -> None:
    """Raises IntoThemselves."""
    if user_id == into_user_id:
        raise IntoThemselves("Name two different people.")


async def pair(tx: Transaction, user_id: int, into_user_id: int) -> Pair:
    """The two, locked in one order whoever asks. Raises UserNotFound, StaffNotMerged."""
    repository = UserRepository(tx.session)
    found = {
        each: await repository.get(each, for_update=True)
        for each in sorted((user_id, into_user_id))
    }
    if any(user.erased_at is not None for user in found.values()):
        raise UserNotFound("There is no such user.")
    if any(user.is_staff for user in found.values()):
        raise StaffNotMerged("Staff cannot be merged.")
    return Pair(found[user_id], found[into_user_id])


async def merge(tx: Transaction, two: Pair, *, reason: MergeReason, by: Principal) -> User:
    """Have the survivor be both, and tell everybody who keeps anything of the one that goes.

    Raises ContactProven when both proved who they are.
    """
    gone, survivor = two.gone, two.survivor
    if await proving.has_proven(tx, gone):
        await proving.check_unproven(tx, survivor)
    said = await people.opened(tx, gone)
    missing = {
        field: value for field, value in said.said().items() if getattr(survivor, field) is None
    }
    was_phone, was_email = gone.is_phone_proven, gone.is_email_proven
    wanted = await _preferences(tx, two)
    await sessions.end_all(tx, gone.user_id, why="merged", by=by.id)
    await _empty(tx, two, missing)
    people.index(tx, survivor, missing)
    people.seal(await tx.vault.key(survivor.principal_id), survivor, missing)
    if "phone_number" in missing:
        survivor.is_phone_proven = was_phone
    if "email" in missing:
        survivor.is_email_proven = was_email
    if wanted is not None:
        await preferring.keep(tx, survivor, wanted)
    people.touched(tx, survivor, list(missing), by=by.id)
    tx.publish(UserMerged(user_id=gone.user_id, into_user_id=survivor.user_id))
    record(
        tx,
        Act.USER_MERGED,
        by=by,
        about=gone.principal_id,
        reason=reason.value,
        into_user_id=survivor.user_id,
    )
    return survivor


async def _preferences(tx: Transaction, two: Pair) -> preferring.Preferences | None:
    theirs = await preferring.preferences_of(tx, two.gone)
    if not theirs.version:
        return None
    return preferring.stricter(await preferring.preferences_of(tx, two.survivor), theirs)


async def _empty(tx: Transaction, two: Pair, taken: Container[str]) -> None:
    """Leave of the one that goes what leads to the survivor, but for what that one has `taken`."""
    gone, into = two.gone, two.survivor.user_id
    leads = {index for field, index in people.INDEXES.items() if field not in taken}
    for field in people.BLANKED:
        if field not in leads:
            setattr(gone, field, None)
    gone.is_phone_proven = gone.is_phone_proven and "phone_number" not in taken
    gone.is_email_proven = gone.is_email_proven and "email" not in taken
    gone.merged_into = into
    gone.version += 1
    # The database must know that the phone is free before the survivor takes it.
    await tx.session.flush()
    await UserRepository(tx.session).follow_merge(gone.user_id, into=into)
    await UserRepository(tx.session).forget_login(gone.user_id)
    await ConsentRepository(tx.session).move(gone.user_id, to=into)
    await PreferenceRepository(tx.session).forget(gone.user_id)
    await tx.vault.destroy(gone.principal_id)
