"""Tables of the chat service, and the words their columns hold."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.common.db.base import ground, service_metadata
from libs.common.db.types import Json, UtcDateTime


class Channel(StrEnum):
    """Where a conversation takes place."""

    WEB_CHAT = "web_chat"


class ConversationStatus(StrEnum):
    """Whether the citizen may still write."""

    ACTIVE = "active"
    CLOSED = "closed"


class Act(StrEnum):
    """What the audit log is told of conversations."""

    CLOSED = "conversation_closed"


class Sender(StrEnum):
    """Who wrote a message."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"


class FilingState(StrEnum):
    """What became of a confirmed filing."""

    KEPT = "kept"
    FILED = "filed"
    FAILED = "failed"


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {
        datetime: UtcDateTime(),
        dict[str, Any]: Json,
        list[str]: Json,
        bytes: LargeBinary,
    }


GROUND = ground(Base.metadata, guests=True)


class Conversation(Base):
    """A talk with one person. Its row is the lock under which messages get their numbers.

    `unclaimed_since` is when a guest began it, until it has led to a case: it is not kept for ever.
    """

    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    opening_key: Mapped[str | None] = mapped_column(String(100))
    channel: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    locale: Mapped[str] = mapped_column(String(10))
    restricted: Mapped[bool]
    unclaimed_since: Mapped[datetime | None] = mapped_column(index=True)
    state: Mapped[bytes]
    last_seq: Mapped[int]
    version: Mapped[int] = mapped_column()
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index("ix_conversations_newest", "owner", "started_at", "id"),
        UniqueConstraint("owner", "opening_key"),
    )

    @property
    def subject(self) -> str:
        """Whose data key seals what is said here."""
        return conversation_subject(self.id)


class Message(Base):
    """One message; rows are only ever added. `meta` holds codes and buttons, never words."""

    __tablename__ = "messages"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    seq: Mapped[int]
    sender: Mapped[str] = mapped_column(String(20))
    text: Mapped[bytes]
    meta: Mapped[dict[str, Any]]
    reply_to: Mapped[str | None] = mapped_column(String(50))
    client_message_id: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("conversation_id", "seq"),
        UniqueConstraint("conversation_id", "client_message_id"),
    )


class Attachment(Base):
    """A file somebody sent in a conversation."""

    __tablename__ = "attachments"

    file_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), primary_key=True)


class Filing(Base):
    """What a citizen confirmed, kept until grievance has taken it; its id is the key it goes by."""

    __tablename__ = "filings"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    message_id: Mapped[str] = mapped_column(String(50))
    state: Mapped[str] = mapped_column(String(20))
    payload: Mapped[bytes | None]
    grievance_id: Mapped[str | None] = mapped_column(String(50))
    attempts: Mapped[int]
    next_try_at: Mapped[datetime]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_filings_due", "state", "next_try_at"),)


class CaseLink(Base):
    """Which case belongs to which conversation, and where it stands as far as events told."""

    __tablename__ = "case_links"

    grievance_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    status: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[datetime]


class Faq(Base):
    """A question people ask, in the words they ask it, and its answer in both languages."""

    __tablename__ = "faqs"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    question: Mapped[str] = mapped_column(String(300), unique=True)
    question_ne: Mapped[str] = mapped_column(String(300))
    answer: Mapped[str] = mapped_column(Text)
    answer_ne: Mapped[str] = mapped_column(Text)
    variants: Mapped[list[str]]
    order: Mapped[int]
    is_active: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("ix_faqs_active", "is_active", "order"),)


class ChatConfig(Base):
    """What an installation tunes without a release: one row, number 1 (S2-08)."""

    __tablename__ = "chat_config"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    polling_interval_ms: Mapped[int]
    updated_at: Mapped[datetime]


def conversation_subject(conversation_id: str) -> str:
    """The name of the data key that seals what is said in a conversation."""
    return f"conversation:{conversation_id}"
