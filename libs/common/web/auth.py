"""Who may call: declared once, in a route's signature; enforced by the guard, before the body.

    async def add_note(…, caller: Officer, uow: Uow) -> …

The alias is the declaration; the guard (`guard.py`) reads it from the route, checks the token and
the level, and leaves the verified principal where the alias finds it. The gateway's table is
generated from the same declarations.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import Depends, Request

from libs.common.principal import SEAH_ROLES, SUPERVISORS, Level, Principal, Role

LimitClass = Literal[
    "default", "filing", "list", "poll", "login", "export", "upload", "webhook", "held"
]
"""How calls of a route are counted: `held` ones last as long as somebody listens."""

KIB = 1024
MIB = 1024 * KIB

ANYBODY = Principal("anybody", Role.GUEST)
"""The caller of a route that asks nobody who they are."""


@dataclass(frozen=True)
class Access:
    """Who may call a route, and what one call may cost.

    `level` lets in everybody at least that well known; `roles` narrows that down. `service` routes
    are for our own programs alone. `body` is a cap in bytes, `seconds` the total deadline. JSON is
    read everywhere; `form` lets forms in, `media` one more media type. `limit` names how calls are
    counted and who goes first when there are too many. An `idempotent` POST only reads: asking
    again changes nothing.
    """

    level: Level = Level.GUEST
    roles: frozenset[Role] = frozenset()
    service: bool = False
    body: int = MIB
    seconds: float = 10.0
    form: bool = False
    media: str | None = None
    limit: LimitClass = "default"
    idempotent: bool = False
    websocket: bool = False

    async def __call__(self, request: Request) -> Principal:
        principal: Principal = request.scope["state"]["principal"]
        return principal

    def admits(self, principal: Principal) -> bool:
        """Whether `principal` is let in at all."""
        if self.service or principal.is_service:
            return self.service and principal.is_service
        if self.roles and principal.role not in self.roles:
            return False
        return principal.level >= self.level

    def to_json(self) -> dict[str, Any]:
        """The form the gateway's table holds."""
        return {
            "level": self.level.name.lower(),
            "roles": sorted(self.roles),
            "body": self.body,
            "seconds": self.seconds,
            "form": self.form,
            "media": self.media,
            "limit": self.limit,
            "idempotent": self.idempotent,
            "websocket": self.websocket,
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Access":
        """Read what `to_json` wrote."""
        return cls(
            Level[raw["level"].upper()],
            frozenset(Role(role) for role in raw["roles"]),
            body=raw["body"],
            seconds=raw["seconds"],
            form=raw["form"],
            media=raw["media"],
            limit=raw.get("limit", "default"),
            idempotent=raw.get("idempotent", False),
            websocket=raw.get("websocket", False),
        )


ANYONE = Access(Level.ANYONE)
GUEST = Access(Level.GUEST)
STAFF = Access(Level.STAFF)
ADMIN = Access(Level.ADMIN)
SERVICE = Access(service=True)

Anyone = Annotated[Principal, Depends(ANYONE)]
Login = Annotated[Principal, Depends(replace(ANYONE, seconds=5.0, body=16 * KIB, limit="login"))]
Guest = Annotated[Principal, Depends(GUEST)]
Lister = Annotated[Principal, Depends(replace(GUEST, limit="list"))]
Poller = Annotated[Principal, Depends(replace(GUEST, limit="poll"))]
Seeker = Annotated[Principal, Depends(replace(GUEST, idempotent=True))]
Officer = Annotated[Principal, Depends(STAFF)]
OfficerLister = Annotated[Principal, Depends(replace(STAFF, limit="list"))]
OfficerSeeker = Annotated[Principal, Depends(replace(STAFF, idempotent=True))]
Admin = Annotated[Principal, Depends(replace(ADMIN, roles=SUPERVISORS))]
SeahOfficer = Annotated[Principal, Depends(replace(STAFF, roles=SEAH_ROLES))]
Service = Annotated[Principal, Depends(SERVICE)]


async def on_behalf_of(request: Request) -> Principal | None:
    """Whom a program of ours is asking for: the caller's own token, passed on and verified."""
    principal: Principal | None = request.scope["state"].get("on_behalf_of")
    return principal


OnBehalfOf = Annotated[Principal | None, Depends(on_behalf_of)]
