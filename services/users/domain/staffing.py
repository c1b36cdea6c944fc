"""Who may make whom what (domain.md, roles): a rule one can show to an administrator."""

from libs.common.errors import Forbidden, Invalid
from libs.common.permissions import Permission, roles_with
from libs.common.principal import SEAH_ROLES, SUPERVISORS, Principal, Role, Scope, is_within

NEVER_GIVEN = frozenset({Role.GUEST, Role.SERVICE, Role.API_CLIENT})
"""Nobody is appointed to these: guests come, services are ours, clients have API keys."""

GIVEN_BY_SUPER_ADMIN = SEAH_ROLES | SUPERVISORS
"""Roles that open what other administrators do not see, or that appoint others."""


class RoleNotYours(Forbidden):
    """Only a super_admin gives this role, or edits somebody who has it."""

    code = "ROLE_NOT_YOURS_TO_GIVE"


class ScopeNotYours(Forbidden):
    """Nobody gives a wider scope than their own."""

    code = "SCOPE_NOT_YOURS_TO_GIVE"


class NotStaff(Invalid):
    """Citizens have no scope and no password."""

    code = "ONLY_FOR_STAFF"


def appointed_by(role: Role) -> frozenset[Role]:
    """Who may have somebody be `role`."""
    if role in NEVER_GIVEN:
        return frozenset()
    if role in GIVEN_BY_SUPER_ADMIN:
        return frozenset({Role.SUPER_ADMIN})
    return roles_with(Permission.USER_WRITE)


def check_may_give(by: Principal, role: Role, scope: Scope) -> None:
    """Raises RoleNotYours or ScopeNotYours unless `by` may have somebody be `role` in `scope`."""
    if by.role not in appointed_by(role):
        raise RoleNotYours("Only a super_admin may do this.")
    if role.is_staff and not covers(by.scope, scope):
        raise ScopeNotYours("This reaches beyond what you administer yourself.")


def covers(wide: Scope, narrow: Scope) -> bool:
    """Whether `wide` holds all of `narrow`: a place holds those below it.

    Empty is everything, so it is never within a part.
    """
    named = (
        (wide.projects, narrow.projects),
        (wide.organisations, narrow.organisations),
    )
    return all(not whole or (part and set(part) <= set(whole)) for whole, part in named) and (
        not wide.places
        or bool(narrow.places and all(is_within(place, wide.places) for place in narrow.places))
    )
