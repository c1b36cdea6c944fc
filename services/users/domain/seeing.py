"""Who may look at whom: a rule one can show to an auditor."""

from enum import StrEnum

from libs.common.db.uow import Transaction
from libs.common.permissions import Permission, Reach
from libs.common.principal import Principal
from services.users.domain import placing
from services.users.domain.staffing import covers
from services.users.models import User


class Sight(StrEnum):
    """Why a caller sees somebody, or what it depends on."""

    THEMSELVES = "themselves"
    EVERYBODY = "everybody"
    """But citizens who have SEAH cases and no others, and whom one names: grievance knows."""
    STAFF_OF_THEIRS = "staff_of_theirs"
    BY_A_CASE = "by_a_case"
    """Only with a case of this person that the caller may see: grievance knows."""
    NOT_AT_ALL = "not_at_all"


async def sight(tx: Transaction, caller: Principal, user: User) -> Sight:
    """How `caller` comes to see `user`."""
    if user.principal_id == caller.id:
        return Sight.THEMSELVES
    match caller.reach(Permission.USER_READ):
        case Reach.ALL:
            return Sight.EVERYBODY if user.apart_index is None else Sight.BY_A_CASE
        case Reach.SCOPE:
            is_theirs = (
                user.is_staff
                and caller.may(Permission.USER_WRITE)
                and covers(caller.scope, await placing.works_in(tx, user))
            )
            return Sight.STAFF_OF_THEIRS if is_theirs else Sight.BY_A_CASE
        case _:
            return Sight.NOT_AT_ALL
