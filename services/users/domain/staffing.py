"""Who may make whom what (domain.md, roles): a rule one can show to an administrator."""

from collections.abc import Sequence

from libs.common.db.uow import Transaction
from libs.common.errors import Conflict, Forbidden, Invalid
from libs.common.permissions import Permission, may_no_more, roles_with
from libs.common.principal import READS_SEAH, SUPERVISORS, Principal, Role, Scope, is_within
from libs.language.locating import path_of
from services.users.models import User
from services.users.repository.people import UserRepository

NEVER_GIVEN = frozenset({Role.GUEST, Role.SERVICE, Role.API_CLIENT})
"""Nobody is appointed to these: guests come, services are ours, clients have API keys."""

GIVEN_BY_SUPER_ADMIN = READS_SEAH | SUPERVISORS
"""Roles that open what other administrators do not see, or that appoint others."""


class RoleNotYours(Forbidden):
    """Nobody gives a role that may more than their own, or edits somebody who has it."""

    code = "ROLE_NOT_YOURS_TO_GIVE"


class ScopeNotYours(Forbidden):
    """Nobody gives a wider scope than their own."""

    code = "SCOPE_NOT_YOURS_TO_GIVE"


class LastSuperAdmin(Conflict):
    """Nobody would be left who may appoint everybody, everywhere."""

    code = "LAST_SUPER_ADMIN"


class NotStaff(Invalid):
    """Citizens have no scope and no password."""

    code = "ONLY_FOR_STAFF"


def appointed_by(role: Role) -> frozenset[Role]:
    """Who may have somebody be `role`."""
    if role in NEVER_GIVEN:
        return frozenset()
    if role in GIVEN_BY_SUPER_ADMIN:
        return frozenset({Role.SUPER_ADMIN})
    return frozenset(by for by in roles_with(Permission.USER_WRITE) if may_no_more(role, than=by))


def check_may_give(by: Principal, role: Role, scope: Scope) -> None:
    """Raises RoleNotYours or ScopeNotYours unless `by` may have somebody be `role` in `scope`."""
    if by.role not in appointed_by(role):
        raise RoleNotYours("This role is given by others.", appointed_by=sorted(appointed_by(role)))
    if role.is_staff and not covers(by.scope, scope):
        raise ScopeNotYours("This reaches beyond what you administer yourself.")


async def check_not_last(tx: Transaction, user: User) -> None:
    """Raises LastSuperAdmin when nobody administers everything but `user`, who is to cease to."""
    if user.role != Role.SUPER_ADMIN or user.scope is not None:
        return
    if not await UserRepository(tx.session).others_administer_all(user):
        raise LastSuperAdmin("Appoint another super_admin first.")


def covers(wide: Scope, narrow: Scope) -> bool:
    """Whether `wide` holds all of `narrow`: a place holds those below it.

    Empty is everything, so it is never within a part.
    """
    named = (
        (wide.projects, narrow.projects),
        (wide.organisations, narrow.organisations),
    )
    return all(not whole or (part and set(part) <= set(whole)) for whole, part in named) and (
        not wide.places or _lie_within(narrow.places, wide.places)
    )


def _lie_within(places: Sequence[str], wide: Sequence[str]) -> bool:
    whole = [path_of(place, widest=True) for place in wide]
    return bool(places) and all(is_within(path_of(place, widest=True), whole) for place in places)
