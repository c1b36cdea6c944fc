"""People on the wire."""

import json
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from libs.common.errors import Unfit
from libs.common.principal import Scope
from libs.common.web.responses import Int32, Schema
from services.users.domain.merging import MergeReason
from services.users.schemas.fields import (
    Address,
    AppointableRole,
    Email,
    Instant,
    MaskedName,
    MaskedNationalId,
    MaskedPhone,
    Municipality,
    Name,
    NationalId,
    Password,
    Phone,
    RoleShown,
    ScopeWord,
    UserId,
    Username,
    Version,
)

MAX_SCOPE_BYTES = 3000
"""A scope travels in every token, and a token has to fit into a header."""


class ScopeIn(Schema):
    """Where somebody works; an empty list is all of them. `Koshi` holds `Koshi/Sunsari`."""

    projects: Annotated[list[ScopeWord], Field(max_length=50, examples=[["water"]])] = []
    places: Annotated[
        list[ScopeWord], Field(max_length=100, examples=[["Koshi/Sunsari/Dharan"]])
    ] = []
    organisations: Annotated[
        list[ScopeWord], Field(max_length=50, examples=[["Koshi Road Office"]])
    ] = []

    @model_validator(mode="after")
    def _fits_a_token(self) -> Self:
        if len(json.dumps([self.projects, self.places, self.organisations])) > MAX_SCOPE_BYTES:
            raise Unfit("The scope is too long for a token: name larger places.")
        return self

    def as_scope(self) -> Scope:
        """The same as the rules know it."""
        return Scope(tuple(self.projects), tuple(self.places), tuple(self.organisations))


class _UserFields(Schema):
    email: Email | None = None
    address: Address | None = None
    municipality: Municipality | None = None
    national_id: NationalId | None = None
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
    national_id: MaskedNationalId
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
    national_id: str | None = Field(examples=["12-01-75-0123"])
    username: str | None = Field(examples=["officer.dharan"])


class UserSearch(Schema):
    """One of three, in any spelling; only the whole of it finds anybody."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"phone_number": "९८०-०००००००"},
                {"email": "sita@example.org"},
                {"national_id": "12-01-75-0123"},
            ]
        }
    )

    phone_number: Phone | None = None
    email: Email | None = None
    national_id: NationalId | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = (self.phone_number, self.email, self.national_id)
        if sum(each is not None for each in given) != 1:
            raise Unfit("Search by phone_number, email or national_id: one of them.")
        return self


class UserMerge(Schema):
    """Who somebody is for certain, and how you know."""

    into_user_id: Annotated[Int32, Field(ge=1, examples=[12])]
    reason: MergeReason = Field(examples=["identity_checked"])


class ContactCard(Schema):
    name_masked: str | None
    phone_masked: str | None
