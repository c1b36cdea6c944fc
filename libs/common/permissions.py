"""Who may do what: a table one can show to an auditor. Role → permission → how far it reaches.

Every route names the one permission it takes (`web/auth.py`); a row filter asks how far it reaches.
What is not written here is not allowed. An API key has what its scopes name, and never more than
its role has.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from libs.common.roles import Role


class Reach(StrEnum):
    """Which rows a permission is good for."""

    OWN = "own"
    """What the caller made themselves, or is."""
    SCOPE = "scope"
    """The projects, organisations and places the caller works in, and what is theirs."""
    ALL = "all"

    def is_within(self, other: "Reach | None") -> bool:
        """Whether this is no further than `other`; None reaches nothing."""
        order = tuple(Reach)
        return other is not None and order.index(self) <= order.index(other)


class Permission(StrEnum):
    """What a route asks for: `resource:act`."""

    PUBLIC = "public"
    """Nobody is asked who they are."""
    INTERNAL = "internal"
    """For our own programs alone."""

    SELF_READ = "self:read"
    SELF_IDENTIFY = "self:identify"
    SELF_PASSWORD = "self:password"  # noqa: S105 - a word for a right
    SELF_EXPORT = "self:export"
    SELF_ERASE = "self:erase"
    SESSION_READ = "session:read"
    SESSION_END = "session:end"
    STREAM_OPEN = "stream:open"
    FACTOR_ENROL = "factor:enrol"

    USER_READ = "user:read"
    USER_SEARCH = "user:search"
    USER_WRITE = "user:write"
    USER_REVEAL = "user:reveal"
    REVEAL_READ = "reveal:read"
    USER_ERASE = "user:erase"
    PREFERENCE_WRITE = "preference:write"
    CONSENT_WRITE = "consent:write"
    ROLE_READ = "role:read"
    API_KEY_MANAGE = "api_key:manage"
    AUDIT_READ = "audit:read"
    RETENTION_MANAGE = "retention:manage"

    CATEGORY_READ = "category:read"
    CASE_FILE = "case:file"
    CASE_READ = "case:read"
    CASE_TRACK = "case:track"
    CASE_ACT = "case:act"
    """One step of the life cycle, which says who may take it (`status.py`)."""
    CASE_MOVE = "case:move"
    """Naming the status a case should have."""
    CASE_CORRECT = "case:correct"
    NOTE_READ = "note:read"
    NOTE_WRITE = "note:write"

    FILE_WRITE = "file:write"
    FILE_READ = "file:read"
    FILE_DELETE = "file:delete"

    TASK_READ = "task:read"
    TASK_LIST = "task:list"
    TASK_MANAGE = "task:manage"

    CHAT_READ = "chat:read"
    CHAT_WRITE = "chat:write"

    EVENTS_READ = "events:read"


P = Permission
Grants = Mapping[Permission, Reach]


def _of(reach: Reach, permissions: Iterable[Permission]) -> dict[Permission, Reach]:
    return dict.fromkeys(permissions, reach)


_GUEST = _of(
    Reach.OWN,
    (
        P.SELF_READ, P.SELF_IDENTIFY, P.SESSION_READ, P.SESSION_END, P.STREAM_OPEN, P.USER_READ,
        P.CASE_FILE, P.CASE_READ, P.CASE_TRACK, P.CASE_ACT,
        P.FILE_WRITE, P.FILE_READ, P.FILE_DELETE, P.CHAT_READ, P.CHAT_WRITE,
    ),
) | _of(Reach.ALL, (P.CATEGORY_READ,))  # fmt: skip
_CITIZEN = _GUEST | _of(
    Reach.OWN,
    (P.SELF_EXPORT, P.SELF_ERASE, P.PREFERENCE_WRITE, P.CONSENT_WRITE),
)

_OBSERVER = (
    _CITIZEN
    | _of(Reach.OWN, (P.FACTOR_ENROL, P.SELF_PASSWORD))
    | _of(Reach.SCOPE, (P.CASE_READ, P.NOTE_READ, P.FILE_READ, P.TASK_READ, P.USER_READ))
    | _of(Reach.ALL, (P.ROLE_READ,))
)
"""Reads what is in scope, and acts on nothing but what they filed themselves."""

_OFFICER = (
    _OBSERVER
    | _of(
        Reach.SCOPE,
        (
            P.CASE_ACT, P.CASE_MOVE, P.CASE_CORRECT, P.NOTE_WRITE, P.USER_SEARCH, P.USER_REVEAL,
            P.PREFERENCE_WRITE, P.CONSENT_WRITE,
        ),
    )
    | _of(Reach.OWN, (P.REVEAL_READ,))
)  # fmt: skip
_PROJECT_ADMIN = _OFFICER | _of(Reach.SCOPE, (P.TASK_MANAGE, P.USER_WRITE))
"""Administers a part: what has no parts (the feed, keys, the list of tasks) is not theirs."""
_COUNTRY_ADMIN = _PROJECT_ADMIN | _of(Reach.ALL, (P.TASK_LIST, P.API_KEY_MANAGE, P.EVENTS_READ))
_SUPER_ADMIN = _COUNTRY_ADMIN | _of(
    Reach.ALL,
    (
        P.TASK_READ, P.TASK_MANAGE, P.USER_READ, P.USER_WRITE, P.USER_ERASE, P.AUDIT_READ,
        P.RETENTION_MANAGE, P.REVEAL_READ,
    ),
)  # fmt: skip

_API_CLIENT = _of(
    Reach.OWN,
    (
        P.SELF_READ, P.STREAM_OPEN, P.CASE_FILE, P.CASE_READ, P.CASE_TRACK, P.CASE_ACT,
        P.FILE_WRITE, P.FILE_READ, P.FILE_DELETE, P.CHAT_READ, P.CHAT_WRITE,
    ),
) | _of(Reach.ALL, (P.CATEGORY_READ, P.EVENTS_READ))  # fmt: skip
"""At most: a key has what its scopes name."""

_GRANTS: dict[Role, dict[Permission, Reach]] = {
    Role.GUEST: _GUEST,
    Role.CITIZEN: _CITIZEN,
    Role.API_CLIENT: _API_CLIENT,
    Role.SERVICE: {},
    Role.INTAKE_OFFICER: _OFFICER,
    Role.SITE_SAFEGUARDS_FOCAL_PERSON: _OFFICER,
    Role.PD_PIU_SAFEGUARDS_FOCAL: _OFFICER,
    Role.PIU_PROJECT_DIRECTOR: _OFFICER,
    Role.GRC_CHAIR: _OFFICER,
    Role.GRC_MEMBER: _OFFICER,
    Role.LABOUR_OFFICER: _OFFICER,
    Role.SEAH_NATIONAL_OFFICER: _OFFICER,
    Role.SEAH_HQ_OFFICER: _OFFICER | _of(Reach.SCOPE, (P.AUDIT_READ,)),
    Role.ADB_NATIONAL_PROJECT_DIRECTOR: _OBSERVER,
    Role.ADB_HQ_SAFEGUARDS: _OBSERVER,
    Role.ADB_HQ_EXEC: _OBSERVER | _of(Reach.ALL, (P.AUDIT_READ,)),
    Role.AUDITOR: _OBSERVER | _of(Reach.ALL, (P.AUDIT_READ, P.REVEAL_READ)),
    Role.PROJECT_ADMIN: _PROJECT_ADMIN,
    Role.COUNTRY_ADMIN: _COUNTRY_ADMIN,
    Role.SUPER_ADMIN: _SUPER_ADMIN,
}

GRANTS: Mapping[Role, Grants] = MappingProxyType(
    {role: MappingProxyType(grants) for role, grants in _GRANTS.items()}
)

WHOLE = frozenset(
    {
        P.EVENTS_READ, P.API_KEY_MANAGE, P.TASK_LIST, P.AUDIT_READ, P.REVEAL_READ,
        P.RETENTION_MANAGE, P.USER_ERASE,
    }
)  # fmt: skip
"""What of everybody has no parts: nobody whose scope is a part has it, whatever their role has."""

API_SCOPES = frozenset(GRANTS[Role.API_CLIENT])
"""What an API key can be made for."""


def may_no_more(role: Role, than: Role) -> bool:
    """Whether nobody of `role` may do anything, or do it further, that `than` may not."""
    return all(
        reach.is_within(GRANTS[than].get(permission)) for permission, reach in GRANTS[role].items()
    )


def roles_with(permission: Permission) -> frozenset[Role]:
    """Everybody whose role has `permission`."""
    return frozenset(role for role, grants in GRANTS.items() if permission in grants)
