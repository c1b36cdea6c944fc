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


class GuestCreate(Schema):
    """Nothing is asked of a guest; the language is handed back for the client to keep."""

    locale: Literal["ne", "en"] = "ne"


class GuestToken(Schema):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - not a secret
    expires_in: int
    guest_id: str
    locale: str


class Ticket(Schema):
    """Opens one stream of events, once, within `expires_in` seconds."""

    ticket: str
    expires_in: int


class TicketExchange(Schema):
    ticket: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOKEN_BYTES, strict=True)]


class TicketToken(Schema):
    access_token: str
    expires_in: int


class PasswordGrant(BaseModel):
    """A token request (RFC 6749, 4.3). Parameters it does not know are ignored, as it says."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    grant_type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    username: Annotated[str, StringConstraints(max_length=254)] = ""
    password: Annotated[str, StringConstraints(max_length=1024)] = ""


class AccessToken(BaseModel):
    """The bare answer of RFC 6749, 5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - not a secret
    expires_in: int


class OAuthError(BaseModel):
    """The bare refusal of RFC 6749, 5.2."""

    error: str
    error_description: str


class KeySet(BaseModel):
    keys: list[dict[str, Any]]


class ScopeIn(Schema):
    """Where somebody works: projects, and places. An empty list is all of them."""

    projects: Annotated[list[ScopeWord], Field(max_length=50)] = []
    places: Annotated[list[ScopeWord], Field(max_length=100)] = []

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

    phone_number: Phone
    name: Name
    role: AppointableRole
    username: Username | None = None


class UserUpdate(_UserFields):
    """What changed of somebody; what is left out stays as it is."""

    phone_number: Phone | None = None
    name: Name | None = None
    role: AppointableRole | None = None


class SeedUser(Schema):
    """The body of `POST /api/users/` and `PUT /api/users/{user_id}/` as seed 0 gives it."""

    phone_number: Phone
    name: Name
    role: AppointableRole


class UserAppointed(Schema):
    """A new user. `initial_password` is there for staff who brought none, this once."""

    user_id: int
    role: Role
    name: str | None
    phone_number: str | None
    username: str | None
    initial_password: str | None
    version: int


class UserRead(Schema):
    """A user, masked: `S*** S***`, `+97798****5678`."""

    user_id: int
    role: Role
    name: str | None
    phone_number: str | None
    email: str | None
    has_address: bool
    has_login: bool
    scope: ScopeIn
    version: int
    created_at: datetime
    updated_at: datetime


class Me(Schema):
    """Who the token says you are, and what is kept of you."""

    id: str
    role: Role
    level: str
    scope: ScopeIn
    user_id: int | None
    name: str | None
    phone_number: str | None
    email: str | None
    address: str | None
    municipality: str | None
    username: str | None


class UserSearch(Schema):
    """A phone number in any spelling; only the whole number finds anybody."""

    phone_number: Phone


class RoleRead(Schema):
    role: Role
    level: str
    is_staff: bool


class ApiKeyCreate(Schema):
    """A key for a program: what for (`events:read`), and from where; no address is any address."""

    name: Name
    scopes: Annotated[list[ApiScope], Field(max_length=50)] = []
    allowed_addresses: Annotated[list[Network], Field(max_length=50)] = []


class ApiKeyListQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = None


class ApiKeyRead(Schema):
    """A key, without the key: `prefix` is how one recognises it."""

    key_id: str
    name: str
    scopes: list[str]
    allowed_addresses: list[str]
    prefix: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiKeyCreated(ApiKeyRead):
    """A new key. `api_key` is seen this once; nobody can read it again."""

    api_key: str


class ApiKeyExchange(Schema):
    api_key: Annotated[str, StringConstraints(max_length=200, strict=True)]


class ApiKeyToken(Schema):
    access_token: str
    expires_in: int
    key_id: str
    scopes: list[str]
    allowed_addresses: list[str]


class ContactCard(Schema):
    name_masked: str | None
    phone_masked: str | None
