"""Who is calling, what they may do, and in which part of the programme and the country."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from libs.common.permissions import GRANTS, WHOLE, Permission, Reach
from libs.common.roles import OBSERVERS, READS_SEAH, SEAH_ROLES, SUPERVISORS, Level, Role

__all__ = [
    "OBSERVERS", "READS_SEAH", "SEAH_ROLES", "SUPERVISORS", "Level", "Permission", "Principal",
    "Reach", "Role", "Scope", "is_within",
]  # fmt: skip

_SERVICE = Role.SERVICE
"""Looked up once: an enum's members are dear to look up on some Pythons."""
_CLIENT = Role.API_CLIENT
_FURTHER = frozenset({Reach.SCOPE, Reach.ALL})
_HALF = {Permission.FACTOR_ENROL: Reach.OWN}


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the country and of the programme a member of staff works in; empty is all.

    A place is a path: `Koshi` holds `Koshi/Sunsari` and `Koshi/Sunsari/Dharan`.
    """

    projects: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()


_EVERYWHERE = Scope()


def is_within(place: str, places: Sequence[str]) -> bool:
    """Whether `place` is one of `places`, or lies below one; no places are all of them."""
    return not places or any(place == each or place.startswith(f"{each}/") for each in places)


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller: the token's subject, never a header's."""

    id: str
    role: Role
    scope: Scope = field(default=Scope())
    scopes: frozenset[str] = frozenset()
    """What an API key was made for: `events:read`. People have roles instead."""
    session: str = ""
    """What is ended when they sign out; programs of ours have none."""
    is_identified: bool = False
    """A guest who named somebody's national id and name: a claim, and no proof."""
    is_half: bool = False
    """Whether the second factor is still to come: it can be enrolled, and nothing else done."""

    @property
    def level(self) -> Level:
        """How far this caller is let in."""
        if self.is_identified and self.role is Role.GUEST:
            return Level.IDENTIFIED
        return self.role.level

    @property
    def is_staff(self) -> bool:
        """Whether this caller works for the institution."""
        return self.role.is_staff

    @property
    def is_service(self) -> bool:
        """Whether this is one of our own programs."""
        return self.role is _SERVICE

    def reach(self, permission: Permission) -> Reach | None:
        """How far `permission` reaches for this caller; None when they do not have it."""
        if self.is_half:
            return _HALF.get(permission)
        if self.role is _CLIENT and permission not in self.scopes:
            return None
        reach = GRANTS[self.role].get(permission)
        if reach is Reach.ALL and permission in WHOLE and self.scope != _EVERYWHERE:
            return None
        return reach

    def may(self, permission: Permission) -> bool:
        """Whether this caller has `permission`, however far it reaches."""
        return self.reach(permission) is not None

    def may_for_others(self, permission: Permission) -> bool:
        """Whether `permission` reaches further than what is the caller's own."""
        return self.reach(permission) in _FURTHER
