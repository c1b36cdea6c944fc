"""Tables of the files service, and the words their columns hold."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.common.db.base import ground, service_metadata
from libs.common.db.types import UtcDateTime


class Status(StrEnum):
    """How far a file has come."""

    RECEIVED = "received"
    READY = "ready"
    REJECTED = "rejected"


class Act(StrEnum):
    """What the audit log is told of files."""

    READ = "file_read"
    DELETED = "file_deleted"


class FileType(StrEnum):
    """What the sources let people send."""

    IMAGE = "image"
    DOCUMENT = "document"
    VOICE = "voice"


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {datetime: UtcDateTime(), bytes: LargeBinary}


GROUND = ground(Base.metadata, guests=True)


class FileAttachment(Base):
    """A file: whose it is, which case it is of, and where its bytes lie below the upload folder.

    The name its owner gave it may say who they are: it is sealed.
    """

    __tablename__ = "file_attachments"

    file_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    grievance_id: Mapped[str | None] = mapped_column(String(50), index=True)
    owner: Mapped[str] = mapped_column(String(100))
    file_type: Mapped[str] = mapped_column(String(50))
    file_path: Mapped[str] = mapped_column(String(255), unique=True)
    file_name: Mapped[bytes | None]
    file_size: Mapped[int]
    mime_type: Mapped[str] = mapped_column(String(50))
    sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(50))
    attempt: Mapped[int]
    working_path: Mapped[str | None] = mapped_column(String(255), unique=True)
    working_type: Mapped[str | None] = mapped_column(String(50))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("ix_file_attachments_oldest", "created_at"),)

    @property
    def subject(self) -> str:
        """Whose data key seals this file's name."""
        return file_subject(self.file_id)


class KnownCase(Base):
    """A case a file names.

    `restricted` is empty until the case was heard of. Until then nothing that is said about its
    files names it: it may be one that must stay invisible.
    """

    __tablename__ = "known_cases"

    grievance_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    restricted: Mapped[bool | None]


def file_subject(file_id: str) -> str:
    """The name of the data key that seals what a file carries."""
    return f"file:{file_id}"
