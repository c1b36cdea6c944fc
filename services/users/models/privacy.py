"""What is done with people's data: revealed, handed out, kept for how long."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from services.users.models.base import Base


class Reveal(Base):
    """Somebody asked to see personal data in plain text: why, and whether they did."""

    __tablename__ = "reveals"

    reveal_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), index=True)
    by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(30))
    grievance_id: Mapped[str | None] = mapped_column(String(50))
    fields: Mapped[list[str]]
    restricted: Mapped[bool]
    """Whether only those may know of it who may know of restricted cases."""
    refused: Mapped[str | None] = mapped_column(String(50))
    """The code it was refused with; none when it was granted."""
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_reveals_by", "by", "asked_at"),)


class Export(Base):
    """Everything that is held on somebody, being put together or ready to be taken away."""

    __tablename__ = "exports"

    export_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), index=True)
    state: Mapped[str] = mapped_column(String(20))
    requested_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    stored_as: Mapped[str | None] = mapped_column(String(255))
    key: Mapped[bytes | None]
    """What the archive is sealed with; itself sealed with the person's key."""
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(String(64))


class RetentionRule(Base):
    """How long one kind of data is kept."""

    __tablename__ = "retention_rules"

    kind: Mapped[str] = mapped_column(String(50), primary_key=True)
    keep_days: Mapped[int]
    updated_by: Mapped[str] = mapped_column(String(100))
    updated_at: Mapped[datetime]
