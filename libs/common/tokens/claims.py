"""What a token says, and all that it may."""

import base64
import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from libs.common.errors import Unauthenticated
from libs.common.principal import Principal, Role, Scope

ALGORITHM = "ES256"
AUDIENCE = "redress"
STREAM_AUDIENCE = "redress:stream"
"""Whom a ticket is for: it opens one stream of events, and nothing else."""
ISSUER = "users"
ATTESTATION = "attestation"
"""The type of what is signed and is no token."""
LEEWAY = 60
MAX_TOKEN_BYTES = 8192
MAX_LIFE = 24 * 3600
SERVICE_TOKEN_SECONDS = 60
ACCESS_TOKEN_SECONDS = 15 * 60


class InvalidToken(Unauthenticated):
    """The token is malformed, expired, not for us, or not signed by whom it says."""

    code = "INVALID_TOKEN"


class Claims(BaseModel):
    """What a token must say, and all that it may."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    iss: str = Field(min_length=1, max_length=100)
    aud: str = Field(min_length=1, max_length=100)
    sub: str = Field(min_length=1, max_length=100)
    jti: str = Field(min_length=1, max_length=100)
    iat: int = Field(ge=0, le=2**40)
    exp: int = Field(ge=0, le=2**40)
    nbf: int | None = Field(default=None, ge=0, le=2**40)
    typ: Literal["access"]
    role: str = Field(max_length=50)
    projects: list[str] = Field(default_factory=list, max_length=100)
    places: list[str] = Field(default_factory=list, max_length=1000)
    organisations: list[str] = Field(default_factory=list, max_length=100)
    scope: str = Field(default="", max_length=4000)
    """What an API key was made for, in words apart by blanks (RFC 9068)."""
    sid: str = Field(default="", max_length=100)
    """The session (OpenID Connect Front-Channel Logout 1.0): ending it ends its tokens."""
    acr: Literal["identified"] | None = None
    half: bool = False
    """The second factor is still to come."""

    def principal(self) -> Principal:
        """Whom these claims speak of. Raises InvalidToken for a role nobody has."""
        try:
            role = Role(self.role)
        except ValueError:
            raise InvalidToken("The token names no role of ours.") from None
        return Principal(
            self.sub,
            role,
            Scope(tuple(self.projects), tuple(self.places), tuple(self.organisations)),
            frozenset(self.scope.split()),
            session=self.sid,
            is_identified=self.acr == "identified",
            is_half=self.half,
        )


class Known(NamedTuple):
    """Whom a token speaks of, and until when, on the monotonic clock, that needs no second look."""

    principal: Principal
    until: float


def said_by(token: str) -> dict[str, Any]:
    """What a token says, for what no principal carries. Only of one that was verified before."""
    said: dict[str, Any] = json.loads(_spelt(token.split(".")[1]))
    return said


def key_of(token: str, types: Sequence[str]) -> str:
    """The id of the key a token says it is signed with, before anything of it is believed.

    Its header is `alg`, `kid` and one of `types`, and each part has its one spelling: of a token
    there are no others that would hold as well. Raises InvalidToken.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidToken("The token is malformed.")
    try:
        head, _, _ = [_spelt(part) for part in token.split(".", 3)]
        header = json.loads(head, object_pairs_hook=once)
        kid, typ = header["kid"], header["typ"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidToken("The token is malformed.") from None
    ours = {"alg": ALGORITHM, "kid": kid, "typ": typ}
    if not isinstance(kid, str) or typ not in types or header != ours:
        raise InvalidToken("The token's header is not one of ours.")
    return kid


def _spelt(part: str) -> bytes:
    """What base64url without padding spells (RFC 7515, 2). Raises ValueError for any other way."""
    written = part.encode()
    raw = base64.urlsafe_b64decode(written + b"==")
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != written:
        raise ValueError("it is not spelt as base64url")
    return raw


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which nothing is said twice. Raises ValueError."""
    claims = dict(pairs)
    if len(claims) != len(pairs):
        raise ValueError("a claim is said twice")
    return claims
