"""Tables of the grievance service, and the words their columns hold (domain.md)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.common.clock import utc_now
from libs.common.db.base import ground, service_metadata
from libs.common.db.types import Json, RowId, UtcDateTime


class Status(StrEnum):
    """Where a case stands."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    UNDER_EVALUATION = "under_evaluation"
    NEEDS_INFO = "needs_info"
    IN_PROGRESS = "in_progress"
    ESCALATED = "escalated"
    HEARING_SCHEDULED = "hearing_scheduled"
    RESOLUTION_PROPOSED = "resolution_proposed"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    DISPUTED = "disputed"
    REFERRED = "referred"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"
    CLOSED = "closed"


class Action(StrEnum):
    """What moves a case."""

    SUBMIT = "submit"
    ACKNOWLEDGE = "acknowledge"
    EVALUATE = "evaluate"
    START = "start"
    PROPOSE = "propose"
    ACCEPT = "accept"
    CLOSE = "close"


class Act(StrEnum):
    """What the audit log is told of cases."""

    FILED_FOR_SOMEBODY = "case_filed_for_somebody"
    ACTED = "case_acted"
    CORRECTED = "case_corrected"
    NOTE_ADDED = "case_note_added"
    READ = "case_read"


class ClassificationStatus(StrEnum):
    """Who said what the case is about."""

    PENDING = "pending"
    SUGGESTED = "suggested"
    FAILED = "failed"
    SKIPPED = "skipped"
    CITIZEN_CONFIRMED = "citizen_confirmed"
    OFFICER_CONFIRMED = "officer_confirmed"

    @property
    def is_confirmed(self) -> bool:
        """Whether a person said it: no suggestion overwrites that."""
        return self in {self.CITIZEN_CONFIRMED, self.OFFICER_CONFIRMED}


class Channel(StrEnum):
    WEB = "web"
    CHAT = "chat"
    API = "api"


class ResolutionCategory(StrEnum):
    CLASSIFIED = "classified"
    DEMAND_REJECTED = "demand_rejected"
    ACCEPTED_MONETARY = "accepted_monetary"
    ACCEPTED_RELOCATION = "accepted_relocation"
    ACCEPTED_OTHER = "accepted_other"
    ACCEPTED_REPAIR = "accepted_repair"
    INFO_PROVIDED = "info_provided"
    REFERRED_OUT = "referred_out"


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {datetime: UtcDateTime(), list[str]: Json, bytes: LargeBinary}


GROUND = ground(Base.metadata, guests=True)


class Grievance(Base):
    """A case. What people wrote is sealed; codes, numbers and dates may be filtered by.

    Its project, its organisation and its municipality are sealed too, and found by `CaseWord`.
    """

    __tablename__ = "grievances"

    grievance_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(index=True)
    filed_by: Mapped[str] = mapped_column(String(100))
    is_for_another: Mapped[bool] = mapped_column(server_default=false())
    """Whether staff wrote it down for somebody: it is about them, and not about who filed it."""
    client_reference: Mapped[bytes | None]
    """What whoever filed it calls it: they may call it by a name or a number of somebody."""
    client_reference_index: Mapped[bytes | None] = mapped_column(index=True)
    conversation_id: Mapped[str | None] = mapped_column(String(50))
    channel: Mapped[str] = mapped_column(String(20))
    project_type: Mapped[bytes | None]
    organisation: Mapped[bytes | None]
    """Who answers for it: a contractor, an office; officers are appointed for some of them."""
    status: Mapped[str] = mapped_column(String(20))
    level: Mapped[int]
    sensitivity: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(10))
    description: Mapped[bytes]
    summary: Mapped[bytes | None]
    category: Mapped[str | None] = mapped_column(String(40))
    categories: Mapped[list[str]]
    classification_status: Mapped[str] = mapped_column(String(20))
    municipality: Mapped[bytes | None]
    ward: Mapped[int | None]
    place: Mapped[bytes | None]
    resolution: Mapped[bytes | None]
    resolution_category: Mapped[str | None] = mapped_column(String(30))
    resolved_by: Mapped[str | None] = mapped_column(String(100))
    access_code: Mapped[bytes]
    version: Mapped[int] = mapped_column()
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index("ix_grievances_newest", "created_at", "grievance_id"),
        Index("ix_grievances_status_newest", "status", "created_at", "grievance_id"),
        Index("ix_grievances_filed_by_newest", "filed_by", "created_at", "grievance_id"),
    )

    @property
    def subject(self) -> str:
        """Whose data key seals this case's texts."""
        return case_subject(self.grievance_id)

    @property
    def lasting_subject(self) -> str:
        """Whose data key seals what is nobody's, and stays when the complainant is forgotten."""
        return lasting_subject(self.grievance_id)


class CaseWord(Base):
    """A word a case is found by, as a blind index, and when the case was filed.

    A case has one for its project, its organisation, its municipality, and each place that one
    lies in: the newest cases of a word lie side by side.
    """

    __tablename__ = "case_words"

    word: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(primary_key=True)
    grievance_id: Mapped[str] = mapped_column(
        ForeignKey("grievances.grievance_id", ondelete="CASCADE"), primary_key=True
    )

    __table_args__ = (
        Index("ix_case_words_case", "grievance_id", "word"),
        {"sqlite_with_rowid": False},
    )


class StatusHistory(Base):
    """Every move of a case; rows are only ever added."""

    __tablename__ = "status_history"

    history_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    grievance_id: Mapped[str] = mapped_column(ForeignKey("grievances.grievance_id"), index=True)
    status: Mapped[str] = mapped_column(String(20))
    from_status: Mapped[str | None] = mapped_column(String(20))
    action: Mapped[str] = mapped_column(String(20))
    level: Mapped[int]
    notes: Mapped[bytes | None]
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]


class Party(Base):
    """Somebody a case is about. The contact is sealed here until users has taken it over."""

    __tablename__ = "parties"

    party_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    grievance_id: Mapped[str] = mapped_column(ForeignKey("grievances.grievance_id"), index=True)
    role: Mapped[str] = mapped_column(String(30))
    contact: Mapped[bytes | None]
    created_at: Mapped[datetime]


class Note(Base):
    """What an officer wrote down."""

    __tablename__ = "notes"

    note_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    grievance_id: Mapped[str] = mapped_column(ForeignKey("grievances.grievance_id"), index=True)
    text: Mapped[bytes]
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class CaseFile(Base):
    """A file a case names, and what became of it as far as events told."""

    __tablename__ = "case_files"

    grievance_id: Mapped[str] = mapped_column(
        ForeignKey("grievances.grievance_id"), primary_key=True
    )
    file_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    status: Mapped[str] = mapped_column(String(20))


def case_subject(grievance_id: str) -> str:
    """The name of the data key that seals the texts of a case."""
    return f"case:{grievance_id}"


def lasting_subject(grievance_id: str) -> str:
    """The name of the data key that seals where a case belongs: it is never destroyed."""
    return f"case:{grievance_id}/later"
