"""Tables of the tasks service, and the words their columns hold (S0-03…06, S1-24)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.common.db.base import ground, service_metadata
from libs.common.db.types import Json, RowId, UtcDateTime


class State(StrEnum):
    """Where a task stands, in the words of the sources."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in {self.SUCCESS, self.FAILURE, self.REVOKED}


class Act(StrEnum):
    """What the audit log is told of tasks."""

    CANCELLED = "task_cancelled"
    RETRIED = "task_retried"


class Lane(StrEnum):
    """Which workers do it."""

    LLM = "llm"
    DEFAULT = "default"
    NOTIFICATIONS = "notifications"


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: Json, bytes: LargeBinary}


GROUND = ground(Base.metadata)


class Task(Base):
    """A piece of work. Only whoever holds the current `attempt` may write how it ended.

    `announce_at` is when its lane is told (again) that it is ready; nobody is told of a final one.
    """

    __tablename__ = "tasks"

    task_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    task_name: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(100))
    owner: Mapped[str] = mapped_column(String(100))
    lane: Mapped[str] = mapped_column(String(20))
    arguments: Mapped[dict[str, Any]]
    restricted: Mapped[bool]
    status_code: Mapped[str] = mapped_column(String(20))
    retry_count: Mapped[int]
    attempt: Mapped[int]
    run_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    announce_at: Mapped[datetime | None] = mapped_column(index=True)
    result: Mapped[bytes | None]
    error_message: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("task_name", "subject"),
        Index("ix_tasks_newest", "created_at", "task_id"),
        Index("ix_tasks_status_newest", "status_code", "created_at", "task_id"),
    )


class TaskLog(Base):
    """What happened to a task; rows are only ever added."""

    __tablename__ = "task_logs"

    log_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.task_id"), index=True)
    event_type: Mapped[str] = mapped_column(String(50))
    event_data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class FileProcessing(Base):
    """How far looking into a file has come."""

    __tablename__ = "file_processing"

    file_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    task_id: Mapped[str] = mapped_column(String(50), index=True)
    file_type: Mapped[str] = mapped_column(String(50))
    status: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SystemMonitoring(Base):
    """What befell the workers: lost ones, killed children."""

    __tablename__ = "system_monitoring"

    monitor_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    service_name: Mapped[str] = mapped_column(String(50))
    event_type: Mapped[str] = mapped_column(String(50))
    event_data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)
