"""The audit log of the whole installation: only ever added to, each row bound to the one before."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from libs.common.db.types import RowId
from services.users.models.base import Base


class Act(StrEnum):
    """What the audit log tells."""

    USER_CREATED = "user_created"
    USER_CHANGED = "user_changed"
    USER_MERGED = "user_merged"
    USER_ERASED = "user_erased"
    EXPORT_REQUESTED = "export_requested"
    EXPORT_TAKEN = "export_taken"
    RETENTION_CHANGED = "retention_changed"
    PREFERENCES_CHANGED = "preferences_changed"
    CONSENT_RECORDED = "consent_recorded"
    REVEAL_GRANTED = "reveal_granted"
    REVEAL_REFUSED = "reveal_refused"
    REVEAL_CLOSED = "reveal_closed"
    REVEAL_ALERT = "reveal_alert"
    PASSWORD_SET = "password_set"  # noqa: S105 - a word for an act
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SESSION_ENDED = "session_ended"
    GUEST_BOUND = "guest_bound"
    IDENTIFIED = "identified"
    NOT_IDENTIFIED = "not_identified"
    FACTOR_ENROLLED = "factor_enrolled"
    FACTOR_RESET = "factor_reset"
    FACTOR_RESTS = "factor_rests"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    API_KEY_CREATED = "api_key_created"
    API_KEY_ROTATED = "api_key_rotated"
    API_KEY_REVOKED = "api_key_revoked"
    SIGNING_KEY_ROTATED = "signing_key_rotated"
    AUDIT_READ = "audit_read"


class AuditRow(Base):
    """Who did what to whom, when and why: ids and codes. `position` has no gaps."""

    __tablename__ = "audit_log"

    position: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    event_id: Mapped[str] = mapped_column(String(50), unique=True)
    service: Mapped[str] = mapped_column(String(20))
    who: Mapped[str] = mapped_column(String(100))
    role: Mapped[str | None] = mapped_column(String(40))
    act: Mapped[str] = mapped_column(String(40))
    target: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str | None] = mapped_column(String(50))
    details: Mapped[dict[str, Any]]
    restricted: Mapped[bool]
    at: Mapped[datetime]
    previous: Mapped[bytes]
    hash: Mapped[bytes]

    __table_args__ = (
        Index("ix_audit_log_target", "target", "position"),
        Index("ix_audit_log_who", "who", "position"),
        Index("ix_audit_log_act", "act", "position"),
        Index("ix_audit_log_at", "at"),
    )


class ChainHead(Base):
    """Where a chain ends. Its row is the lock under which the next row is added."""

    __tablename__ = "chain_heads"

    chain: Mapped[str] = mapped_column(String(50), primary_key=True)
    position: Mapped[int] = mapped_column(RowId)
    hash: Mapped[bytes]


class ChainSeal(Base):
    """The head of a chain at the end of a day, signed: what was cut off later is missed."""

    __tablename__ = "chain_seals"

    chain: Mapped[str] = mapped_column(String(50), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    position: Mapped[int] = mapped_column(RowId)
    hash: Mapped[bytes]
    signature: Mapped[str] = mapped_column(Text)
    sealed_at: Mapped[datetime]
