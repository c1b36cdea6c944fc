"""Who may call: declared once, in a route's signature; enforced by the guard, before the body.

    CaseReader = Annotated[Principal, Depends(may(Permission.CASE_READ, limit="poll"))]

    async def read_grievance(…, caller: CaseReader, uow: Uow) -> …

The alias is the declaration, and names one permission of the table (`libs/common/permissions.py`);
the guard (`guard.py`) reads it from the route, checks the token and the permission, and leaves the
verified principal where the alias finds it. The gateway's table is generated from the same
declarations.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from fastapi import Depends, Request

from libs.common.permissions import Permission, roles_with
from libs.common.principal import Level, Principal, Role

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
    """Which permission a route takes, and what one call of it may cost.

    `body` is a cap in bytes, `seconds` the total deadline. JSON is read everywhere; `form` lets
    forms in, `media` one more media type. `limit` names how calls are counted and who goes first
    when there are too many. An `idempotent` POST only reads: asking again changes nothing.
    """

    permission: Permission
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

    @cached_property
    def level(self) -> Level:
        """How well the least known of those who may call is known."""
        return min((role.level for role in roles_with(self.permission)), default=Level.ANYONE)

    @property
    def is_public(self) -> bool:
        """Whether nobody is asked who they are."""
        return self.permission is Permission.PUBLIC

    @property
    def is_internal(self) -> bool:
        """Whether it is for our own programs alone."""
        return self.permission is Permission.INTERNAL

    @property
    def half(self) -> bool:
        """Whether it is open to those whose second factor is still to come."""
        return self.permission is Permission.FACTOR_ENROL

    def admits(self, principal: Principal) -> bool:
        """Whether `principal` is let in at all."""
        if self.is_internal:
            return principal.is_service
        return self.is_public or principal.may(self.permission)

    def to_json(self) -> dict[str, Any]:
        """The form the gateway's table holds; `level` is for who reads it."""
        return {
            "level": self.level.name.lower(),
            "permission": self.permission,
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
            Permission(raw["permission"]),
            body=raw["body"],
            seconds=raw["seconds"],
            form=raw["form"],
            media=raw["media"],
            limit=raw.get("limit", "default"),
            idempotent=raw.get("idempotent", False),
            websocket=raw.get("websocket", False),
        )


may = Access
"""Reads as what it says: `Depends(may(Permission.CASE_READ))`."""

Anyone = Annotated[Principal, Depends(may(Permission.PUBLIC))]
Service = Annotated[Principal, Depends(may(Permission.INTERNAL))]


async def on_behalf_of(request: Request) -> Principal | None:
    """Whom a program of ours is asking for: the caller's own token, passed on and verified."""
    principal: Principal | None = request.scope["state"].get("on_behalf_of")
    return principal


OnBehalfOf = Annotated[Principal | None, Depends(on_behalf_of)]
