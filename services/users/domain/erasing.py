"""Forgetting somebody: their data key is destroyed, and a row that says no more than that stays.

Every service hears of it and does the same with what it keeps. The audit log names people by
number, and stays as it is.
"""

from enum import StrEnum

from libs.common.clock import utc_now
from libs.common.contracts.users import UserErased
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict
from libs.common.principal import Principal, Role
from services.users.domain import people, proving, sessions
from services.users.domain.auditing import record
from services.users.domain.placing import works_in
from services.users.domain.staffing import check_may_give, check_not_last
from services.users.models import Act, User
from services.users.repository.archives import Archives
from services.users.repository.people import UserNotFound, UserRepository
from services.users.repository.privacy_erasing import ErasingRepository


class ErasureReason(StrEnum):
    """Why somebody is erased by somebody else."""

    PERSON_ASKED = "person_asked"
    RETENTION_ENDED = "retention_ended"
    COURT_ORDER = "court_order"
    REGISTERED_BY_MISTAKE = "registered_by_mistake"
    LEFT_EMPLOYMENT = "left_employment"


class StillEmployed(Conflict):
    """Staff are erased by others, once they have left: their acts must be answered for."""

    code = "STILL_EMPLOYED"


async def erase_self(tx: Transaction, archives: Archives, who: Principal, user_id: int) -> None:
    """Forget whoever asks. Raises StillEmployed, UserNotFound."""
    user = await _found(tx, user_id)
    if user.is_staff:
        raise StillEmployed("Whoever works here is erased by a supervisor, after they have left.")
    apart = await proving.named_apart(tx, user)
    for each in (user, *apart):
        await _erase(tx, archives, each, by=who, reason=ErasureReason.PERSON_ASKED)


async def erase(
    tx: Transaction, archives: Archives, user_id: int, *, by: Principal, reason: ErasureReason
) -> None:
    """Forget somebody, for a reason. Raises UserNotFound, StillEmployed, LastSuperAdmin.

    Staff by whoever may appoint them: else RoleNotYours, ScopeNotYours.
    """
    user = await _found(tx, user_id)
    if user.principal_id == by.id:
        raise StillEmployed("Whoever works here is erased by somebody else.")
    if user.is_staff:
        check_may_give(by, Role(user.role), await works_in(tx, user))
    await check_not_last(tx, user)
    await _erase(tx, archives, user, by=by, reason=reason)


async def _found(tx: Transaction, user_id: int) -> User:
    user = await UserRepository(tx.session).get(user_id, for_update=True)
    if user.erased_at is not None or user.merged_into is not None:
        raise UserNotFound("There is no such user.")
    return user


async def _erase(
    tx: Transaction, archives: Archives, user: User, *, by: Principal, reason: ErasureReason
) -> None:
    repository, is_apart = ErasingRepository(tx.session), user.apart_index is not None
    for each in await repository.with_merged(user):
        await sessions.end_all(tx, each.user_id, why="erased", by=by.id)
        # Done twice it is done once, so the bytes need not wait for the commit.
        await archives.remove(*await repository.forget(each))
        await tx.vault.destroy_of(each.user_id)
        for column in people.BLANKED:
            setattr(each, column, None)
        each.is_phone_proven = each.is_email_proven = False
        each.erased_at = each.updated_at = utc_now()
        each.version += 1
        tx.publish(UserErased(user_id=each.user_id), restricted=is_apart)
    record(
        tx,
        Act.USER_ERASED,
        by=by,
        about=user.principal_id,
        reason=reason.value,
        restricted=is_apart,
    )
