"""Facts the grievance service tells."""

from typing import ClassVar

from libs.common.events import Event


class _AboutGrievance(Event):
    about: ClassVar[str] = "grievance_id"

    grievance_id: str


class GrievanceSubmitted(_AboutGrievance):
    """A case was filed and has its reference."""

    topic: ClassVar[str] = "grievance.submitted.v1"

    channel: str
    filed_by: str
    has_contact: bool
    conversation_id: str | None = None
    file_ids: list[str]


class GrievanceStatusChanged(_AboutGrievance):
    """A case moved: the one fact for every move."""

    topic: ClassVar[str] = "grievance.status_changed.v1"

    from_status: str
    to_status: str
    action: str
    level: int


class GrievanceClassified(_AboutGrievance):
    """A case has categories: suggested by the engine, or confirmed by a person."""

    topic: ClassVar[str] = "grievance.classified.v1"

    categories: list[str]
    classification_status: str


class GrievanceErased(_AboutGrievance):
    """Whoever filed a case was erased: it stays, and nothing of it says who they were."""

    topic: ClassVar[str] = "grievance.erased.v1"

    conversation_id: str | None = None


class GrievanceNoteAdded(_AboutGrievance):
    """Somebody wrote a note on a case."""

    topic: ClassVar[str] = "grievance.note_added.v1"

    note_id: str
    by: str
