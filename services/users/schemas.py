"""What comes in and goes out over the wire."""

import json
from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from libs.common.phones import e164
from libs.common.principal import Role, Scope
from libs.common.tokens import MAX_TOKEN_BYTES
from libs.common.web.responses import Schema, Words
from services.users.domain.staffing import NEVER_GIVEN

MIN_PASSWORD = 12
MAX_SCOPE_BYTES = 3000
"""A scope travels in every token, and a token has to fit into a header."""


def _no_invisible(text: str) -> str:
    """Refuse a text of which nothing can be seen."""
    if not any(char.isprintable() and not char.isspace() for char in text):
        raise ValueError("there is nothing to read in it")
    return text


def _appointable(role: Role) -> Role:
    if role in NEVER_GIVEN:
        raise ValueError("nobody is appointed to this role")
    return role


Phone = Annotated[str, StringConstraints(max_length=40, strict=True), AfterValidator(e164)]
Name = Annotated[str, Words(100), AfterValidator(_no_invisible)]
Email = Annotated[
    str, StringConstraints(max_length=254, strict=True, pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")
]
Address = Annotated[str, Words(300), AfterValidator(_no_invisible)]
Municipality = Annotated[str, Words(100), AfterValidator(_no_invisible)]
AppointableRole = Annotated[Role, AfterValidator(_appointable)]
Username = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._@+-]{2,99}$", strict=True)
]
Password = Annotated[str, StringConstraints(min_length=MIN_PASSWORD, max_length=256, strict=True)]
ScopeWord = Annotated[str, Words(100)]
ApiScope = Annotated[
    str, StringConstraints(max_length=50, pattern=r"^[a-z_]+:[a-z_]+$", strict=True)
]


def _network(text: str) -> str:
    """The one spelling of an address or a network. Raises ValueError."""
    return str(ip_network(text))


Network = Annotated[str, StringConstraints(max_length=50, strict=True), AfterValidator(_network)]
"""An address or a network in CIDR form; one spelling each, and no bit set beyond its mask."""

Token = Annotated[
    str, Field(examples=["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyOjEyIn0.c2lnbmF0dXJl"])
]
Seconds = Annotated[int, Field(examples=[900])]
Instant = Annotated[datetime, Field(examples=["2026-03-02T03:30:00Z"])]
RoleShown = Annotated[Role, Field(examples=["site_safeguards_focal_person"])]
UserId = Annotated[int, Field(examples=[12])]
Version = Annotated[int, Field(examples=[1])]
MaskedName = Annotated[str | None, Field(examples=["S*** S***"])]
MaskedPhone = Annotated[str | None, Field(examples=["+97798****0000"])]
KeyId = Annotated[str, Field(examples=["019cac98-c1f0-7e47-93b6-8a5d5d1e8a40"])]
KeyScopes = Annotated[list[str], Field(examples=[["events:read"]])]
Networks = Annotated[list[str], Field(examples=[["192.0.2.0/24"]])]


class GuestCreate(Schema):
    """Nothing is asked of a guest; the language is handed back for the client to keep."""

    locale: Literal["ne", "en"] = Field(default="ne", examples=["ne"])


class GuestToken(Schema):
    access_token: Token
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - not a secret
    expires_in: Seconds
    guest_id: str = Field(examples=["guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"])
    locale: str = Field(examples=["ne"])


class Ticket(Schema):
    """Opens one stream of events, once, within `expires_in` seconds."""

    ticket: Token
    expires_in: int = Field(examples=[60])


class TicketExchange(Schema):
    ticket: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOKEN_BYTES, strict=True)]


class TicketToken(Schema):
    access_token: Token
    expires_in: Seconds


class PasswordGrant(BaseModel):
    """A token request (RFC 6749, 4.3). Parameters it does not know are ignored, as it says."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "grant_type": "password",
                    "username": "officer.dharan",
                    "password": "an invented pass phrase",
                }
            ]
        },
    )

    grant_type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    username: Annotated[str, StringConstraints(max_length=254)] = ""
    password: Annotated[str, StringConstraints(max_length=1024)] = ""


class AccessToken(BaseModel):
    """The bare answer of RFC 6749, 5.1."""

    access_token: Token
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - not a secret
    expires_in: Seconds


class OAuthError(BaseModel):
    """The bare refusal of RFC 6749, 5.2."""

    error: str = Field(examples=["invalid_grant"])
    error_description: str = Field(examples=["The login or the password is wrong."])


class KeySet(BaseModel):
    keys: list[dict[str, Any]] = Field(
        examples=[
            [
                {
                    "kty": "EC",
                    "crv": "P-256",
                    "alg": "ES256",
                    "use": "sig",
                    "kid": "users-kmv2meQ1",
                    "x": "kmv2meQ1pfSzy1f3ss1UUx_yorloKcwccRWgL5rW_2Y",
                    "y": "CE4kcW0A_drIxactnE7W3Q_mgqHrM9BN5XwTgnrO17M",
                }
            ]
        ]
    )


class ScopeIn(Schema):
    """Where somebody works: projects, and places. An empty list is all of them."""

    projects: Annotated[list[ScopeWord], Field(max_length=50, examples=[["water"]])] = []
    places: Annotated[list[ScopeWord], Field(max_length=100, examples=[["Dharan"]])] = []

    @model_validator(mode="after")
    def _fits_a_token(self) -> Self:
        if len(json.dumps([self.projects, self.places])) > MAX_SCOPE_BYTES:
            raise ValueError("the scope is too long for a token: name larger places")
        return self

    def as_scope(self) -> Scope:
        """The same as the rules know it."""
        return Scope(tuple(self.projects), tuple(self.places))


class _UserFields(Schema):
    email: Email | None = None
    address: Address | None = None
    municipality: Municipality | None = None
    password: Password | None = None
    scope: ScopeIn | None = None


class UserCreate(_UserFields):
    """Somebody new. Staff sign in with `username`, or with their phone number without one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "phone_number": "+9779800000000",
                    "name": "सीता श्रेष्ठ",
                    "role": "site_safeguards_focal_person",
                    "username": "officer.dharan",
                    "scope": {"projects": ["water"], "places": ["Dharan"]},
                },
                {"phone_number": "+9779800000001", "name": "Ram Rai", "role": "citizen"},
            ]
        }
    )

    phone_number: Phone
    name: Name
    role: AppointableRole
    username: Username | None = None


class UserUpdate(_UserFields):
    """What changed of somebody; what is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "sita@example.org", "scope": {"places": ["Dharan"]}}]
        }
    )

    phone_number: Phone | None = None
    name: Name | None = None
    role: AppointableRole | None = None


class SeedUser(Schema):
    """The body of `POST /api/users/` and `PUT /api/users/{user_id}/` as seed 0 gives it."""

    phone_number: Phone = Field(examples=["+9779800000000"])
    name: Name = Field(examples=["सीता श्रेष्ठ", "Sita Shrestha"])
    role: AppointableRole = Field(examples=["citizen"])


class UserAppointed(Schema):
    """A new user. `initial_password` is there for staff who brought none, this once."""

    user_id: UserId
    role: RoleShown
    name: MaskedName
    phone_number: MaskedPhone
    username: str | None = Field(examples=["officer.dharan"])
    initial_password: str | None = Field(examples=["shown-this-once"])
    version: Version


class UserRead(Schema):
    """A user, masked: `S*** S***`, `+97798****5678`."""

    user_id: UserId
    role: RoleShown
    name: MaskedName
    phone_number: MaskedPhone
    email: str | None = Field(examples=["s***@example.org"])
    has_address: bool = Field(examples=[False])
    has_login: bool = Field(examples=[True])
    scope: ScopeIn
    version: Version
    created_at: Instant
    updated_at: Instant


class Me(Schema):
    """Who the token says you are, and what is kept of you."""

    id: str = Field(examples=["user:12"])
    role: RoleShown
    level: str = Field(examples=["staff"])
    scope: ScopeIn
    user_id: int | None = Field(examples=[12])
    name: str | None = Field(examples=["सीता श्रेष्ठ"])
    phone_number: str | None = Field(examples=["+9779800000000"])
    email: str | None = Field(examples=["sita@example.org"])
    address: str | None = Field(examples=[None])
    municipality: str | None = Field(examples=["Dharan"])
    username: str | None = Field(examples=["officer.dharan"])


class UserSearch(Schema):
    """A phone number in any spelling; only the whole number finds anybody."""

    phone_number: Phone = Field(examples=["+9779800000000", "९८०-०००००००"])


class RoleRead(Schema):
    role: RoleShown
    level: str = Field(examples=["staff"])
    is_staff: bool = Field(examples=[True])


class ApiKeyCreate(Schema):
    """A key for a program: what for (`events:read`), and from where; no address is any address."""

    name: Name = Field(examples=["Ward office dashboard"])
    scopes: Annotated[list[ApiScope], Field(max_length=50, examples=[["events:read"]])] = []
    allowed_addresses: Annotated[
        list[Network], Field(max_length=50, examples=[["192.0.2.0/24"]])
    ] = []


class ApiKeyListQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = Field(
        default=None,
        examples=["WyIyMDI2LTAzLTAyVDAzOjMwOjAwKzAwOjAwIiwiR1JWLTIwMjYtN0szTVFYLTQiXQ"],
    )


class ApiKeyRead(Schema):
    """A key, without the key: `prefix` is how one recognises it."""

    key_id: KeyId
    name: str = Field(examples=["Ward office dashboard"])
    scopes: KeyScopes
    allowed_addresses: Networks
    prefix: str = Field(examples=["rdr_live_5d1e8a40"])
    created_by: str = Field(examples=["user:1"])
    created_at: Instant
    last_used_at: datetime | None = Field(examples=["2026-03-02T04:00:00Z"])
    revoked_at: datetime | None = Field(examples=[None])


class ApiKeyCreated(ApiKeyRead):
    """A new key. `api_key` is seen this once; nobody can read it again."""

    api_key: str = Field(examples=["rdr_live_5d1e8a40_" + "Example" * 7])


class ApiKeyExchange(Schema):
    api_key: Annotated[str, StringConstraints(max_length=200, strict=True)]


class ApiKeyToken(Schema):
    access_token: Token
    expires_in: Seconds
    key_id: KeyId
    scopes: KeyScopes
    allowed_addresses: Networks


class ContactCard(Schema):
    name_masked: str | None
    phone_masked: str | None
