"""How people sign in: credentials, codes, second factors, sessions and their tokens."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from services.users.models.base import Base


class Credential(Base):
    """How a member of staff signs in."""

    __tablename__ = "credentials"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    login_index: Mapped[bytes] = mapped_column(unique=True)
    username: Mapped[bytes]
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Session(Base):
    """One signing in, from its proof to its end."""

    __tablename__ = "sessions"

    session_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    """In which role: staff who prove no more than their phone are citizens."""
    method: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None] = mapped_column(String(30))


class RefreshToken(Base):
    """A refresh token, by its keyed hash. Used twice, it ends its session."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.session_id"), index=True)
    issued_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Revocation(Base):
    """A session whose tokens are refused, until none of them could be shown any more.

    Sessions of people, of guests, and API keys alike.
    """

    __tablename__ = "revocations"

    session_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    revoked_at: Mapped[datetime] = mapped_column(index=True)
    until: Mapped[datetime] = mapped_column(index=True)


class OtpChallenge(Base):
    """A one-time code that was sent. Contact and code are sealed, and forgotten once used."""

    __tablename__ = "otp_challenges"

    challenge_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    contact_index: Mapped[bytes] = mapped_column(index=True)
    channel: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(10))
    sealed: Mapped[bytes | None]
    code_hash: Mapped[bytes]
    tries: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class SecondFactor(Base):
    """A member of staff's authenticator (RFC 6238). It rests after wrong codes; they do not."""

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    secret: Mapped[bytes]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None]
    replaced_by: Mapped[bytes | None]
    """The secret of a new authenticator, until a code of it is shown."""
    wrong_tries: Mapped[int]
    wrong_since: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code for the day the authenticator is lost, by its keyed hash; good once."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), index=True)
    used_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_recovery_codes_left", "user_id", "used_at"),)
