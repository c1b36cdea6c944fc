"""Proofs of who somebody is, on the wire: one-time codes, second factors, national ids."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from libs.common.errors import Unfit
from libs.common.tokens import MAX_TOKEN_BYTES
from libs.common.web.responses import Schema, Words
from services.users.domain.otp import Channel, Contact
from services.users.schemas.fields import Email, Name, Phone, Seconds, Token, UserId

Code = Annotated[str, StringConstraints(min_length=1, max_length=40, strict=True)]
"""As it is typed: digits of any script, in groups or not. What is wrong with it is not said."""
ChallengeId = Annotated[str, Words(50), Field(examples=["019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"])]
GivenToken = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_TOKEN_BYTES, strict=True),
    Field(examples=["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyOjEyIn0.c2lnbmF0dXJl"]),
]


class OtpRequest(Schema):
    """Where the code goes: a phone number for `sms` and `whatsapp`, an address for `email`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"phone_number": "९८०-०००००००", "channel": "sms", "language": "ne"},
                {"email": "sita@example.org", "channel": "email", "language": "en"},
            ]
        }
    )

    phone_number: Phone | None = None
    email: Email | None = None
    channel: Channel
    language: Literal["ne", "en"] = "ne"

    @model_validator(mode="after")
    def _one_contact(self) -> Self:
        is_email = self.channel is Channel.EMAIL
        if (self.email is not None) is not is_email or (self.phone_number is None) is not is_email:
            raise Unfit("Give a phone number for sms and whatsapp, an e-mail for email.")
        return self

    def contact(self) -> Contact:
        """The same as the rules know it."""
        return Contact(self.channel, self.email or self.phone_number or "")


class OtpSent(Schema):
    """A code is on its way, if that contact exists; which it does is not said."""

    challenge_id: ChallengeId
    expires_in: int = Field(examples=[600])
    channel: Channel = Field(examples=["sms"])
    sent_to: str = Field(examples=["+97798****0000"])


class OtpVerify(Schema):
    """The code that came. With `guest_token`, what that guest began goes on as this person's."""

    challenge_id: ChallengeId
    code: Code = Field(examples=["123456", "१२३४५६"])
    guest_token: GivenToken | None = None


class SessionTokens(Schema):
    """The tokens of a new session."""

    access_token: Token
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - not a secret
    expires_in: Seconds
    refresh_token: str = Field(examples=["rdr_refresh_" + "Example" * 6])
    session_id: str = Field(examples=["019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"])


class PersonProved(SessionTokens):
    """Who it is, and the tokens of their session."""

    user_id: UserId
    is_new: bool = Field(examples=[True])
    bound_guest: str | None = Field(examples=["guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58", None])


class OtpToSend(Schema):
    """What is to be sent, for the program that sends it."""

    channel: Channel
    recipient: str
    code: str
    language: str


class FactorRequest(Schema):
    """Whoever has an authenticator already shows a code of it, or a recovery code."""

    code: Code | None = Field(default=None, examples=["123456"])


class FactorProposed(Schema):
    """A new secret for an authenticator: as text, as a link, and as a picture to be scanned."""

    secret: str = Field(examples=["EXAMPLEEXAMPLEEXAMPLEEXAMPLE2345"])
    otpauth_uri: str = Field(
        examples=["otpauth://totp/Redress:user%3A12?secret=EXAMPLEEXAMPLE2345&issuer=Redress"]
    )
    qr_svg: str = Field(examples=["data:image/svg+xml;charset=utf-8,%3Csvg%3E"])


class CodeGiven(Schema):
    code: Code = Field(examples=["123456"])


class RecoveryCodes(Schema):
    """Ten codes, each good once, for the day the authenticator is lost. Seen this once."""

    recovery_codes: list[str] = Field(examples=[["k3mq-x7ab-91fz-0c2d"]])


class FactorConfirmed(RecoveryCodes):
    """The authenticator holds. Whoever had signed in half is signed in now, with these tokens."""

    access_token: str | None = Field(default=None, examples=["eyJhbGciOiJFUzI1NiJ9.e30.c2ln"])
    token_type: Literal["Bearer"] | None = None
    expires_in: int | None = Field(default=None, examples=[900])
    refresh_token: str | None = Field(default=None, examples=["rdr_refresh_" + "Example" * 6])
    session_id: str | None = Field(default=None, examples=["019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"])


class IdentityClaim(Schema):
    """Whose national id it is, as the card says it."""

    national_id: Annotated[str, Words(50)] = Field(examples=["12-01-75-01234"])
    full_name: Name = Field(examples=["सीता श्रेष्ठ", "Sita Shrestha"])


class IdentityChecked(Schema):
    """How well we know you now. `claimed`: it could not be confirmed, and why is not said."""

    level: Literal["identified", "claimed"] = Field(examples=["identified"])
    checked_by: Literal["vault", "core"] | None = Field(examples=["vault"])
    access_token: str | None = Field(examples=[None])
    expires_in: int | None = Field(examples=[None])
