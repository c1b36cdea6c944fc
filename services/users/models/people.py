"""People: who they are, how they may be reached, what they agreed to. Words are sealed."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from libs.common.principal import Role
from services.users.models.base import Base


class ContactChannel(StrEnum):
    """Where somebody can be spoken to."""

    SMS = "sms"
    WHATSAPP = "whatsapp"
    EMAIL = "email"
    PHONE = "phone"
    TELEGRAM = "telegram"
    MESSENGER = "messenger"
    CHAT = "chat"


class ConsentPurpose(StrEnum):
    """What somebody is asked to agree to."""

    CASE_HANDLING = "case_handling"
    CONTACT = "contact"
    SHARING_WITH_PARTNER = "sharing_with_partner"
    RESEARCH = "research"
    RECORDING = "recording"


class User(Base):
    """A person: staff or citizen. Blind indexes find them by phone, e-mail and national id."""

    __tablename__ = "users"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    role: Mapped[str] = mapped_column(String(40))
    scope: Mapped[bytes | None]
    """Where they work, sealed as their name is; none is everywhere."""
    phone_index: Mapped[bytes | None] = mapped_column(unique=True)
    """Who became part of another keeps these three: they lead to that one."""
    email_index: Mapped[bytes | None] = mapped_column(index=True)
    apart_index: Mapped[bytes | None] = mapped_column(index=True)
    """The phone of whom a restricted case names: found by who works that case, and nobody else."""
    phone_number: Mapped[bytes | None]
    is_phone_proven: Mapped[bool]
    name: Mapped[bytes | None]
    email: Mapped[bytes | None]
    is_email_proven: Mapped[bool]
    """Whether they showed a code that was sent there: others may name anybody's."""
    address: Mapped[bytes | None]
    municipality: Mapped[bytes | None]
    national_id: Mapped[bytes | None]
    national_id_index: Mapped[bytes | None] = mapped_column(index=True)
    merged_into: Mapped[int | None] = mapped_column(index=True)
    erased_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    # The version is counted by the use case, not by the ORM: a person is written in two steps,
    # because the key that seals them is named after the id the database gives.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}
    __table_args__ = (Index("ix_users_role", "role"), {"sqlite_autoincrement": True})

    @property
    def principal_id(self) -> str:
        """What tokens call this person; also the name of the data key that seals them."""
        return principal_of(self.user_id)

    @property
    def is_staff(self) -> bool:
        """Whether this person works for the institution, and may sign in with a password."""
        return Role(self.role).is_staff


class Preference(Base):
    """How somebody wants to be spoken to, and how it is safe to. No row: nothing was said."""

    __tablename__ = "preferences"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str | None] = mapped_column(String(20))
    """The one they like best."""
    safe_channels: Mapped[list[str] | None]
    """The only ones they allow; none said is any, an empty list is none at all."""
    safe_from: Mapped[int | None]
    safe_until: Mapped[int | None]
    """Minutes of the day in Asia/Kathmandu; a stretch past midnight begins after it ends."""
    code_word: Mapped[bytes | None]
    never_leave_message: Mapped[bool]
    version: Mapped[int]
    updated_at: Mapped[datetime]


class Consent(Base):
    """What somebody agreed to, or took back; rows are only ever added."""

    __tablename__ = "consents"

    consent_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    purpose: Mapped[str] = mapped_column(String(50))
    is_given: Mapped[bool]
    text_version: Mapped[str | None] = mapped_column(String(50))
    said_by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]

    __table_args__ = (Index("ix_consents_of", "user_id", "at", "consent_id"),)


def principal_of(user_id: int) -> str:
    """What tokens call a user."""
    return f"user:{user_id}"
