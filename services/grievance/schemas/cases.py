"""Cases on the wire: lists, one case, and what is written on it."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from libs.common.web.responses import Schema, Words
from services.grievance.models import Action, Status
from services.grievance.schemas.fields import (
    CaseReference,
    Categories,
    CategoryCode,
    Classified,
    Instant,
    Level,
    Municipality,
    Organisation,
    ProjectType,
    StatusWord,
    Summary,
    Told,
    Version,
    Ward,
)


class GrievanceListQuery(Schema):
    """Filters of a list; what is not one of them is refused."""

    status: StatusWord | None = Field(default=None, examples=["in_progress"])
    category: CategoryCode | None = Field(default=None, examples=["ACCESS_WATER"])
    municipality: Municipality | None = None
    organisation: Organisation | None = Field(default=None, examples=["Koshi Road Office"])
    project_type: ProjectType | None = None
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
    organisation: str | None = Field(examples=["Koshi Road Office"])
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
    contact_status: Literal["masked", "anonymous", "unavailable", "hidden", "erased"]
    erased: bool = Field(examples=[False])
    """Whether whoever complained was erased: what they said and what was said of them is gone."""
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
    project_type: ProjectType | None = None
    organisation: Organisation | None = None
    municipality: Municipality | None = None
    ward: Ward | None = None


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
    text: str | None = Field(examples=["Asked the ward office by telephone."])
    created_by: str = Field(examples=["user:12"])
    created_at: Instant


class Category(Schema):
    code: str = Field(examples=["ACCESS_WATER"])
    group: str = Field(examples=["UTILITIES"])
    name_en: str = Field(examples=["Access to water"])
    name_ne: str = Field(examples=["पानी पहुँच"])
    high_priority: bool = Field(examples=[True])
