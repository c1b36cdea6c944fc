"""What comes in and goes out over the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from libs.common.phones import e164
from libs.common.web.responses import Int32, Schema, Words
from libs.language.categorising import CATEGORIES
from services.grievance.models import Action, ResolutionCategory, Status

MAX_DESCRIPTION = 20_000
MAX_FILES = 10
MAX_BASE64 = 14_000_000

IN_NEPALI = "वडा नं. ७ को धारामा दुई हप्तादेखि पानी आएको छैन।"
IN_ENGLISH = "There has been no water at the tap in ward 7 for two weeks."
"""The complaint that examples tell of."""

_ALIASES = {"submitted": "pending", "denied": "rejected"}


def _known_status(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return _ALIASES.get(word, word)


def _known_category(code: str) -> str:
    if code not in CATEGORIES:
        raise ValueError("not a category of this installation")
    return code


def _no_invisible(text: str) -> str:
    """Refuse a text of which nothing can be seen."""
    if not any(char.isprintable() and not char.isspace() for char in text):
        raise ValueError("there is nothing to read in it")
    return text


Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,50}$", strict=True)]
StatusWord = Annotated[Status, BeforeValidator(_known_status)]
CategoryCode = Annotated[
    str, StringConstraints(max_length=40, strict=True), AfterValidator(_known_category)
]
Phone = Annotated[str, StringConstraints(max_length=40, strict=True), AfterValidator(e164)]
Description = Annotated[str, Words(MAX_DESCRIPTION), AfterValidator(_no_invisible)]
Ward = Annotated[Int32, Field(ge=1, le=99)]
PlainCode = Annotated[str, StringConstraints(max_length=20, strict=True)]
CaseReference = Annotated[str, Field(examples=["GRV-2026-7K3MQX-4"])]
Instant = Annotated[datetime, Field(examples=["2026-03-02T03:30:00Z"])]
Told = Annotated[str, Field(examples=[IN_NEPALI])]
Summary = Annotated[str | None, Field(examples=["No water at a tap in ward 7 for two weeks."])]
Categories = Annotated[list[str], Field(examples=[["ACCESS_WATER"]])]
Classified = Annotated[str, Field(examples=["officer_confirmed"])]
Level = Annotated[int, Field(examples=[1])]
Version = Annotated[int, Field(examples=[3])]


class ContactIn(Schema):
    name: Annotated[str, Words(100), AfterValidator(_no_invisible)] | None = None
    phone_number: Phone | None = None


class PlaceIn(Schema):
    municipality: Annotated[str, Words(100)] | None = None
    ward: Ward | None = None
    text: Annotated[str, Words(500)] | None = None


class FileIn(Schema):
    file_id: Reference
    file_type: Annotated[str, Words(20)]
    file_data: Annotated[str, StringConstraints(max_length=MAX_BASE64, strict=True)]
    file_name: Annotated[str, Words(255)] | None = None


class GrievanceCreate(Schema):
    """A complaint. Without `contact` it is anonymous; the access code is then the only way back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "description": IN_NEPALI,
                    "project_type": "water",
                    "place": {"municipality": "Dharan", "ward": 7, "text": "चौतारी नजिकैको धारा"},
                    "contact": {"name": "सीता श्रेष्ठ", "phone_number": "+9779800000000"},
                },
                {"description": IN_ENGLISH},
            ]
        }
    )

    description: Description
    project_type: Annotated[str, Words(50)] = "general"
    place: PlaceIn = PlaceIn()
    contact: ContactIn | None = None
    grievance_id: Reference | None = None
    file_ids: Annotated[list[Reference], Field(max_length=MAX_FILES)] = []
    files: Annotated[list[FileIn], Field(max_length=MAX_FILES)] = []


class ChatGrievance(GrievanceCreate):
    """What chat files for the person it talks with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "description": IN_NEPALI,
                    "filed_by": "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58",
                    "conversation_id": "019cac98-7ac0-7d3e-9b41-5f0c2a6e8d17",
                }
            ]
        }
    )

    filed_by: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    conversation_id: Reference
    channel: Literal["chat"] = "chat"
    language: PlainCode | None = None


class UserInfo(Schema):
    phone_number: Phone = Field(examples=["+9779800000000"])
    name: Annotated[str, Words(100), AfterValidator(_no_invisible)] = Field(
        examples=["सीता श्रेष्ठ", "Sita Shrestha"]
    )


class SeedGrievance(Schema):
    """The body of `POST /api/grievances/` as seed 0 gives it (S0-11)."""

    grievance_id: Reference = ""
    user_info: UserInfo
    project_type: Annotated[str, Words(50)] = Field(examples=["water"])
    description: Description = Field(examples=[IN_NEPALI, IN_ENGLISH])
    files: Annotated[list[FileIn], Field(max_length=MAX_FILES)] = []


class GrievanceFiled(Schema):
    grievance_id: CaseReference
    access_code: str = Field(examples=["482913570264"])
    status: Status


class GrievanceListQuery(Schema):
    """Filters of a list; what is not one of them is refused."""

    status: StatusWord | None = Field(default=None, examples=["in_progress"])
    category: CategoryCode | None = Field(default=None, examples=["ACCESS_WATER"])
    municipality: Annotated[str, Words(100)] | None = None
    project_type: Annotated[str, Words(50)] | None = None
    level: Annotated[int, Field(ge=1, le=4)] | None = None
    date_from: AwareDatetime | None = Field(default=None, examples=["2026-03-01T00:00:00+05:45"])
    date_to: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = Field(
        default=None,
        examples=["WyIyMDI2LTAzLTAyVDAzOjMwOjAwKzAwOjAwIiwiR1JWLTIwMjYtN0szTVFYLTQiXQ"],
    )


class GrievanceRow(Schema):
    """A case in a list: no names, no texts."""

    grievance_id: CaseReference
    status: Status = Field(examples=["in_progress"])
    level: Level
    project_type: str = Field(examples=["water"])
    category: str | None = Field(examples=["ACCESS_WATER"])
    categories: Categories
    classification_status: Classified
    municipality: str | None = Field(examples=["Dharan"])
    ward: int | None = Field(examples=[7])
    language: str = Field(examples=["ne"])
    channel: str = Field(examples=["web"])
    created_at: Instant
    updated_at: Instant


class FileRef(Schema):
    file_id: str = Field(examples=["019cac98-8b10-7a52-8c3f-1e9d4b7a6f20"])
    status: str = Field(examples=["ready"])


class ContactOut(Schema):
    name: str | None = Field(examples=["S*** S***"])
    phone_number: str | None = Field(examples=["+97798****0000"])


class GrievanceRead(GrievanceRow):
    """A case, opened. `contact` is masked; `contact_status` says when it cannot be had."""

    description: Told
    summary: Summary
    place: str | None = Field(examples=["चौतारी नजिकैको धारा"])
    sensitivity: str = Field(examples=["standard"])
    resolution: str | None = Field(examples=[None])
    resolution_category: str | None = Field(examples=[None])
    files: list[FileRef]
    contact: ContactOut | None
    contact_status: Literal["masked", "anonymous", "unavailable", "hidden"]
    allowed_actions: list[Action] = Field(examples=[["propose"]])
    version: Version


class BareGrievance(Schema):
    """The literal answer of seed 1's `GET /grievance/{id}` (S1-06)."""

    grievance_id: CaseReference
    status: Status = Field(examples=["in_progress"])
    description: Told
    summary: Summary
    categories: Categories
    files: list[FileRef]


class GrievanceUpdate(Schema):
    """What an officer corrects; categories given here count as confirmed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "categories": ["ACCESS_WATER"],
                    "summary": "No water at a tap in ward 7 for two weeks.",
                    "ward": 7,
                }
            ]
        }
    )

    categories: Annotated[list[CategoryCode], Field(min_length=1, max_length=3)] | None = None
    summary: Annotated[str, Words(2000)] | None = None
    project_type: Annotated[str, Words(50)] | None = None
    municipality: Annotated[str, Words(100)] | None = None
    ward: Ward | None = None


class ProposalIn(Schema):
    resolution_category: ResolutionCategory
    text: Annotated[str, Words(5000, min_length=12)]
    public_text_en: Annotated[str, Words(2000, min_length=12)]
    public_text_ne: Annotated[str, Words(2000, min_length=12)]


class ActionIn(Schema):
    """One step of the life cycle. `access_code` lets the complainant act without an account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"action": "acknowledge", "notes": "The water office was asked."},
                {
                    "action": "propose",
                    "proposal": {
                        "resolution_category": "accepted_repair",
                        "text": "The broken pump is replaced; paid by the water office.",
                        "public_text_en": "The pump was replaced. Water flows again.",
                        "public_text_ne": "पम्प फेरियो। धारामा फेरि पानी आउँछ।",
                    },
                },
                {"action": "accept", "access_code": "482913570264"},
            ]
        }
    )

    action: Action
    notes: Annotated[str, Words(5000)] | None = None
    proposal: ProposalIn | None = None
    consent_recorded: bool = False
    access_code: Annotated[str, StringConstraints(pattern=r"^\d{12}$")] | None = None


class ChatAction(Schema):
    """A step the complainant takes in the chat."""

    action: Action
    by: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class StatusUpdate(Schema):
    """The sources' way to move a case: name the status it should have (S0-15)."""

    status: StatusWord = Field(examples=["in_progress"])
    notes: Annotated[str, Words(5000)] | None = Field(
        default=None, examples=["The water office sends a plumber."]
    )
    proposal: ProposalIn | None = None
    consent_recorded: bool = False


class StatusRead(Schema):
    grievance_id: CaseReference
    status: Status = Field(examples=["in_progress"])
    level: Level
    updated_at: Instant
    allowed_actions: list[Action] = Field(examples=[["propose"]])
    version: Version


class HistoryRow(Schema):
    status: Status = Field(examples=["in_progress"])
    from_status: Status | None = Field(examples=["acknowledged"])
    action: Action = Field(examples=["start"])
    level: Level
    notes: str | None = Field(examples=["The water office sends a plumber."])
    created_by: str | None = Field(examples=["user:12"])
    created_at: Instant


class NoteIn(Schema):
    text: Annotated[str, Words(5000)] = Field(examples=["Asked the ward office by telephone."])


class NoteRead(Schema):
    note_id: str = Field(examples=["019cac98-a5c8-7e60-b7d4-2c8f1a9e5b36"])
    text: str = Field(examples=["Asked the ward office by telephone."])
    created_by: str = Field(examples=["user:12"])
    created_at: Instant


class TrackIn(Schema):
    grievance_id: Reference = Field(examples=["GRV-2026-7K3MQX-4"])
    access_code: Annotated[str, StringConstraints(max_length=40, strict=True)] = Field(
        examples=["482913570264"]
    )


class Tracked(Schema):
    """What the holder of the access code sees."""

    grievance_id: CaseReference
    status: Status = Field(examples=["in_progress"])
    level: Level
    categories: Categories
    classification_status: Classified
    resolution: str | None = Field(examples=[None])
    created_at: Instant
    updated_at: Instant
    history: list[HistoryRow]
    version: Version


class Category(Schema):
    code: str = Field(examples=["ACCESS_WATER"])
    group: str = Field(examples=["UTILITIES"])
    name_en: str = Field(examples=["Access to water"])
    name_ne: str = Field(examples=["पानी पहुँच"])
    high_priority: bool = Field(examples=[True])
