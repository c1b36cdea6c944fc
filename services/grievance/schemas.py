"""What comes in and goes out over the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from libs.common.phones import e164
from libs.common.web.responses import Int32, Schema, Words
from libs.language.categorising import CATEGORIES
from services.grievance.models import Action, ResolutionCategory, Status

MAX_DESCRIPTION = 20_000
MAX_FILES = 10
MAX_BASE64 = 14_000_000

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

    description: Description
    project_type: Annotated[str, Words(50)] = "general"
    place: PlaceIn = PlaceIn()
    contact: ContactIn | None = None
    grievance_id: Reference | None = None
    file_ids: Annotated[list[Reference], Field(max_length=MAX_FILES)] = []
    files: Annotated[list[FileIn], Field(max_length=MAX_FILES)] = []


class ChatGrievance(GrievanceCreate):
    """What chat files for the person it talks with."""

    filed_by: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    conversation_id: Reference
    channel: Literal["chat"] = "chat"
    language: PlainCode | None = None


class UserInfo(Schema):
    phone_number: Phone
    name: Annotated[str, Words(100), AfterValidator(_no_invisible)]


class SeedGrievance(Schema):
    """The body of `POST /api/grievances/` as seed 0 gives it (S0-11)."""

    grievance_id: Reference = ""
    user_info: UserInfo
    project_type: Annotated[str, Words(50)]
    description: Description
    files: Annotated[list[FileIn], Field(max_length=MAX_FILES)] = []


class GrievanceFiled(Schema):
    grievance_id: str
    access_code: str
    status: Status


class GrievanceListQuery(Schema):
    """Filters of a list; what is not one of them is refused."""

    status: StatusWord | None = None
    category: CategoryCode | None = None
    municipality: Annotated[str, Words(100)] | None = None
    project_type: Annotated[str, Words(50)] | None = None
    level: Annotated[int, Field(ge=1, le=4)] | None = None
    date_from: AwareDatetime | None = None
    date_to: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = None


class GrievanceRow(Schema):
    """A case in a list: no names, no texts."""

    grievance_id: str
    status: Status
    level: int
    project_type: str
    category: str | None
    categories: list[str]
    classification_status: str
    municipality: str | None
    ward: int | None
    language: str
    channel: str
    created_at: datetime
    updated_at: datetime


class FileRef(Schema):
    file_id: str
    status: str


class ContactOut(Schema):
    name: str | None
    phone_number: str | None


class GrievanceRead(GrievanceRow):
    """A case, opened. `contact` is masked; `contact_status` says when it cannot be had."""

    description: str
    summary: str | None
    place: str | None
    sensitivity: str
    resolution: str | None
    resolution_category: str | None
    files: list[FileRef]
    contact: ContactOut | None
    contact_status: Literal["masked", "anonymous", "unavailable", "hidden"]
    allowed_actions: list[Action]
    version: int


class BareGrievance(Schema):
    """The literal answer of seed 1's `GET /grievance/{id}` (S1-06)."""

    grievance_id: str
    status: Status
    description: str
    summary: str | None
    categories: list[str]
    files: list[FileRef]


class GrievanceUpdate(Schema):
    """What an officer corrects; categories given here count as confirmed."""

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

    status: StatusWord
    notes: Annotated[str, Words(5000)] | None = None
    proposal: ProposalIn | None = None
    consent_recorded: bool = False


class StatusRead(Schema):
    grievance_id: str
    status: Status
    level: int
    updated_at: datetime
    allowed_actions: list[Action]
    version: int


class HistoryRow(Schema):
    status: Status
    from_status: Status | None
    action: Action
    level: int
    notes: str | None
    created_by: str | None
    created_at: datetime


class NoteIn(Schema):
    text: Annotated[str, Words(5000)]


class NoteRead(Schema):
    note_id: str
    text: str
    created_by: str
    created_at: datetime


class TrackIn(Schema):
    grievance_id: Reference
    access_code: Annotated[str, StringConstraints(max_length=40, strict=True)]


class Tracked(Schema):
    """What the holder of the access code sees."""

    grievance_id: str
    status: Status
    level: int
    categories: list[str]
    classification_status: str
    resolution: str | None
    created_at: datetime
    updated_at: datetime
    history: list[HistoryRow]
    version: int


class Category(Schema):
    code: str
    group: str
    name_en: str
    name_ne: str
    high_priority: bool
