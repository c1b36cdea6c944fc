"""Moves of a case on the wire, and following one by its code."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from libs.common.web.responses import Schema, Words
from services.grievance.models import Action, ResolutionCategory, Status
from services.grievance.schemas.cases import HistoryRow
from services.grievance.schemas.fields import (
    CaseReference,
    Categories,
    Classified,
    Instant,
    Level,
    Reference,
    StatusWord,
    Version,
)


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
