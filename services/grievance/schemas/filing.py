"""Filing on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from libs.common.web.responses import Schema, Words
from libs.common.web.texts import named
from services.grievance.domain.belonging import NOT_SAID
from services.grievance.models import Status
from services.grievance.schemas.fields import (
    IN_ENGLISH,
    IN_NEPALI,
    CaseReference,
    Description,
    Email,
    Municipality,
    Organisation,
    Phone,
    PlainCode,
    ProjectType,
    Reference,
    Ward,
)

MAX_FILES = 10


MAX_BASE64 = 14_000_000


class ContactIn(Schema):
    name: Annotated[str, Words(100), AfterValidator(named)] | None = None
    phone_number: Phone | None = None
    email: Email | None = None
    address: Annotated[str, Words(300), AfterValidator(named)] | None = None
    municipality: Annotated[str, Words(100), AfterValidator(named)] | None = None


class PlaceIn(Schema):
    municipality: Municipality | None = None
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
                    "contact": {
                        "name": "सीता श्रेष्ठ",
                        "phone_number": "+9779800000000",
                        "email": "sita@example.org",
                        "address": "Ward 7",
                        "municipality": "Dharan",
                    },
                },
                {"description": IN_ENGLISH},
            ]
        }
    )

    description: Description
    project_type: ProjectType = NOT_SAID
    organisation: Organisation | None = None
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
    name: Annotated[str, Words(100), AfterValidator(named)] = Field(
        examples=["सीता श्रेष्ठ", "Sita Shrestha"]
    )


class SeedGrievance(Schema):
    """The body of `POST /api/grievances/` as seed 0 gives it (S0-11)."""

    grievance_id: Reference = ""
    user_info: UserInfo
    project_type: ProjectType = Field(examples=["water"])
    description: Description = Field(examples=[IN_NEPALI, IN_ENGLISH])
    files: Annotated[list[FileIn], Field(max_length=MAX_FILES)] = []


class GrievanceFiled(Schema):
    grievance_id: CaseReference
    access_code: str = Field(examples=["482913570264"])
    status: Status
