"""What people want, what they agreed to, and what was revealed of them, on the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, StringConstraints, model_validator

from libs.common.errors import Unfit
from libs.common.web.responses import Page, Schema, Words
from services.users.domain.contacting import ContactPurpose, Hours, Why
from services.users.models import ConsentPurpose, ContactChannel
from services.users.schemas.fields import Clock, Instant, UserId, Version

Language = Literal["ne", "en"]
TextVersion = Annotated[
    str, StringConstraints(pattern=r"^v?\d{1,4}(\.\d{1,3}){0,2}(-(ne|en))?$", strict=True)
]
"""Which text somebody was shown: a number, so that nobody's words get here."""
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,50}$", strict=True)]
Cursor = Annotated[str, StringConstraints(max_length=300)]


class ToldHow(StrEnum):
    """How whoever speaks for somebody else knows what they want."""

    IN_PERSON = "in_person"
    BY_PHONE = "by_phone"
    IN_WRITING = "in_writing"
    BY_REPRESENTATIVE = "by_representative"
    SAFEGUARDING = "safeguarding"


class SafeHours(Schema):
    """A stretch of the day in Nepal; one past midnight begins later than it ends."""

    model_config = ConfigDict(
        serialize_by_alias=True,
        json_schema_extra={"examples": [{"from": "09:00", "until": "17:30"}]},
    )

    begin: Clock = Field(alias="from", examples=["09:00"])
    end: Clock = Field(alias="until", examples=["17:30"])

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.begin == self.end:
            raise Unfit("Hours that end when they begin are none.")
        return self

    def as_hours(self) -> Hours:
        """The same as the rules know it."""
        return Hours(_minutes(self.begin), _minutes(self.end))

    @classmethod
    def of(cls, hours: Hours) -> Self:
        """The same as people write it."""
        return cls.model_validate({"from": _clock(hours.begin), "until": _clock(hours.end)})


class PreferencesUpdate(Schema):
    """What changed; what is left out stays as it is, and null takes it back.

    `safe_channels` are the only ones you allow; an empty list is none at all. The `channel` you
    like best is one of them (422 CHANNEL_NOT_SAFE): one of before that is safe no more is
    forgotten. Whoever writes this for somebody else gives a `reason`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "language": "ne",
                    "channel": "sms",
                    "safe_channels": ["sms"],
                    "hours": {"from": "10:00", "until": "16:00"},
                    "code_word": "नीलो छाता",
                    "never_leave_message": True,
                },
                {"channel": "phone", "reason": "in_person"},
            ]
        }
    )

    language: Language = "ne"
    channel: ContactChannel | None = None
    safe_channels: Annotated[list[ContactChannel], Field(max_length=7)] | None = None
    hours: SafeHours | None = None
    code_word: Annotated[str, Words(50)] | None = None
    never_leave_message: StrictBool = False
    reason: ToldHow | None = None

    def said(self) -> dict[str, Any]:
        """What was given, as the rules know it."""
        given: dict[str, Any] = {
            name: getattr(self, name) for name in self.model_fields_set if name != "reason"
        }
        if given.get("safe_channels") is not None:
            given["safe_channels"] = tuple(dict.fromkeys(given["safe_channels"]))
        if given.get("hours") is not None:
            given["hours"] = given["hours"].as_hours()
        return given


class PreferencesRead(Schema):
    """How somebody wants to be spoken to. The code word is shown to whoever it is, and no other."""

    language: str = Field(examples=["ne"])
    channel: ContactChannel | None = Field(examples=["sms"])
    safe_channels: list[ContactChannel] | None = Field(examples=[["sms"]])
    hours: SafeHours | None
    has_code_word: bool = Field(examples=[True])
    code_word: str | None = Field(examples=[None])
    never_leave_message: bool = Field(examples=[True])
    version: Version


class ConsentCreate(Schema):
    """What is agreed to, or taken back."""

    purpose: ConsentPurpose = Field(examples=["contact"])
    is_given: StrictBool = Field(examples=[True])
    text_version: TextVersion | None = Field(default=None, examples=["2.1-ne"])


class ConsentFor(ConsentCreate):
    """The same, said for somebody else."""

    reason: ToldHow | None = Field(default=None, examples=["in_person"])


class ConsentRead(Schema):
    consent_id: str = Field(examples=["019cac98-c1f0-7e47-93b6-8a5d5d1e8a40"])
    purpose: ConsentPurpose = Field(examples=["contact"])
    is_given: bool = Field(examples=[True])
    text_version: str | None = Field(examples=["2.1-ne"])
    said_by: str = Field(examples=["user:12"])
    at: Instant


class Consents(Schema):
    """What holds now for each purpose, and everything that was ever said, newest first."""

    current: list[ConsentRead]
    history: Page[ConsentRead]


class PageQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Cursor | None = Field(
        default=None,
        examples=["WyIyMDI2LTAzLTAyVDAzOjMwOjAwKzAwOjAwIiwiR1JWLTIwMjYtN0szTVFYLTQiXQ"],
    )


class RevealField(StrEnum):
    """What can be revealed of somebody."""

    NAME = "name"
    PHONE_NUMBER = "phone_number"
    EMAIL = "email"
    ADDRESS = "address"
    MUNICIPALITY = "municipality"
    NATIONAL_ID = "national_id"
    CODE_WORD = "code_word"


class RevealCreate(Schema):
    """What you need to see, and for which of the six reasons."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reason": "contact_complainant",
                    "grievance_id": "GRV-2026-7K3MQX-4",
                    "fields": ["name", "phone_number"],
                }
            ]
        }
    )

    reason: Annotated[str, StringConstraints(max_length=50, strict=True)]
    grievance_id: Reference | None = None
    fields: Annotated[list[RevealField], Field(min_length=1, max_length=7)]


class Revealed(Schema):
    """Plain text, to be shown until `expires_at` and kept nowhere."""

    reveal_id: str = Field(examples=["019cac98-c1f0-7e47-93b6-8a5d5d1e8a40"])
    user_id: UserId
    fields: dict[RevealField, str | None] = Field(
        examples=[{"name": "सीता श्रेष्ठ", "phone_number": "+9779800000000"}]
    )
    expires_at: Instant


class RevealRead(Schema):
    """That somebody was shown something, and why; never what."""

    reveal_id: str = Field(examples=["019cac98-c1f0-7e47-93b6-8a5d5d1e8a40"])
    user_id: UserId
    by: str = Field(examples=["user:12"])
    reason: str = Field(examples=["contact_complainant"])
    grievance_id: str | None = Field(examples=["GRV-2026-7K3MQX-4"])
    fields: list[str] = Field(examples=[["name", "phone_number"]])
    refused: str | None = Field(examples=[None])
    asked_at: Instant
    expires_at: datetime | None = Field(examples=["2026-03-02T03:32:00Z"])
    closed_at: datetime | None = Field(examples=[None])


class DecisionQuery(Schema):
    """Why somebody is to be contacted, on which channel (or any), of a restricted case or not."""

    purpose: ContactPurpose
    channel: ContactChannel | None = None
    restricted: bool = False


class ContactDecision(Schema):
    """The answer to the one question: may they be contacted now, how, and if not, when."""

    user_id: UserId
    may_contact: bool
    why: Why
    channel: ContactChannel | None
    address: str | None
    """Where to, in plain text; none when they may not, and none where chat knows."""
    not_before: datetime | None
    language: str = Field(examples=["ne"])
    leave_message: bool
    code_word_required: bool


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
