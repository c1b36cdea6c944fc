"""Tokens and tickets on the wire."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from libs.common.tokens import MAX_TOKEN_BYTES
from libs.common.web.responses import Schema
from services.users.schemas.fields import Password, Seconds, Token


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


class PasswordChange(Schema):
    """What one signs in with now, and what from now on."""

    current_password: Annotated[str, StringConstraints(max_length=1024, strict=True)] = Field(
        examples=["an invented pass phrase"]
    )
    password: Password = Field(examples=["seven marigolds at dusk"])
