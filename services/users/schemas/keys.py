"""API keys on the wire."""

from datetime import datetime
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from libs.common.errors import Unfit
from libs.common.permissions import API_SCOPES
from libs.common.web.responses import Schema
from services.users.schemas.fields import Instant, KeyName, Seconds, Token

MAX_OVERLAP = 7 * 24 * 3600
KeyId = Annotated[str, Field(examples=["019cac98-c1f0-7e47-93b6-8a5d5d1e8a40"])]
KeyScopes = Annotated[list[str], Field(examples=[["events:read"]])]
Networks = Annotated[list[str], Field(examples=[["192.0.2.0/24"]])]


def _network(text: str) -> str:
    """The one spelling of an address or a network. Raises Unfit."""
    try:
        return str(ip_network(text))
    except ValueError:
        raise Unfit("This is no address and no network such as 192.0.2.0/24.") from None


def _permission(text: str) -> str:
    """A permission a program of somebody else can have. Raises Unfit."""
    if text not in API_SCOPES:
        raise Unfit(f"No key is made for this; there are {', '.join(sorted(API_SCOPES))}.")
    return text


ApiScope = Annotated[
    str, StringConstraints(max_length=50, strict=True), AfterValidator(_permission)
]
Network = Annotated[str, StringConstraints(max_length=50, strict=True), AfterValidator(_network)]
"""An address or a network in CIDR form; one spelling each, and no bit set beyond its mask."""


class ApiKeyCreate(Schema):
    """A key for a program: what for (`events:read`), and from where; no address is any address."""

    name: KeyName = Field(examples=["Ward office dashboard"])
    scopes: Annotated[list[ApiScope], Field(max_length=50, examples=[["events:read"]])] = []
    allowed_addresses: Annotated[
        list[Network], Field(max_length=50, examples=[["192.0.2.0/24"]])
    ] = []
    expires_at: AwareDatetime | None = Field(default=None, examples=["2027-03-02T00:00:00Z"])
    """When it opens nothing any more; none is never."""


class ApiKeyRotate(Schema):
    """How long the old key is good beside the new one, at most seven days."""

    overlap_seconds: Annotated[int, Field(ge=0, le=MAX_OVERLAP, strict=True)] = Field(
        default=24 * 3600, examples=[86400]
    )


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
    expires_at: datetime | None = Field(examples=["2027-03-02T00:00:00Z"])
    replaces: str | None = Field(examples=[None])
    """The key it was made for when that one was rotated."""
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
