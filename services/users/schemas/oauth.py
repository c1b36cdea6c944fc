"""The token endpoint on the wire (RFC 6749, RFC 7009): forms in, bare JSON out."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.common.tokens import MAX_TOKEN_BYTES
from services.users.schemas.fields import Seconds, Token

Parameter = Annotated[str, StringConstraints(max_length=254)]
RefreshToken = Annotated[str, Field(examples=["rdr_refresh_" + "Example" * 6 + "E"])]
SessionId = Annotated[str, Field(examples=["019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"])]


class TokenRequest(BaseModel):
    """A token request (RFC 6749, 4.3, 4.4, 6). What it does not know is ignored, as it says.

    `password` takes `username`, `password` and, with a second factor, `otp`; `refresh_token` takes
    `refresh_token`; `client_credentials` takes `client_id` and `client_secret`, or HTTP Basic, and
    maybe a narrower `scope`.
    """

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
    username: Parameter = ""
    password: Annotated[str, StringConstraints(max_length=1024)] = ""
    otp: Annotated[str, StringConstraints(max_length=100)] = ""
    refresh_token: Parameter = ""
    client_id: Parameter = ""
    client_secret: Parameter = ""
    scope: Annotated[str, StringConstraints(max_length=4000)] = ""


class RevocationRequest(BaseModel):
    """A token that is not needed any more (RFC 7009, 2.1)."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        json_schema_extra={"examples": [{"token": "rdr_refresh_" + "Example" * 6 + "E"}]},
    )

    token: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOKEN_BYTES)]
    token_type_hint: Parameter = ""


class AccessToken(BaseModel):
    """The bare answer of RFC 6749, 5.1. Clients are given a `scope`, and nothing to refresh."""

    access_token: Token
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - not a secret
    expires_in: Seconds
    refresh_token: RefreshToken | None = None
    session_id: SessionId | None = None
    scope: Annotated[str | None, Field(examples=["case:read events:read"])] = None


class OAuthError(BaseModel):
    """The bare refusal of RFC 6749, 5.2."""

    error: str = Field(examples=["invalid_grant"])
    error_description: str = Field(examples=["The login or the password is wrong."])
    mfa_token: Annotated[str | None, Field(examples=[None])] = None
    """With `mfa_enrolment_required`: opens the enrolment of a second factor, and nothing else."""
