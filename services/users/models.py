"""Tables of the users service. Everything that says who somebody is, is sealed."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.common.db.base import ground, service_metadata
from libs.common.db.types import Json, RowId, UtcDateTime
from libs.common.principal import Role, Scope


class Act(StrEnum):
    """What the audit log tells."""

    USER_CREATED = "user_created"
    USER_CHANGED = "user_changed"
    PASSWORD_SET = "password_set"  # noqa: S105 - a word for an act
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    API_KEY_CREATED = "api_key_created"
    API_KEY_REVOKED = "api_key_revoked"


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {
        datetime: UtcDateTime(),
        dict[str, list[str]]: Json,
        list[str]: Json,
        bytes: LargeBinary,
    }


GROUND = ground(Base.metadata)


class User(Base):
    """A person: staff or citizen. The blind indexes find them by phone and by e-mail."""

    __tablename__ = "users"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    role: Mapped[str] = mapped_column(String(40))
    scope: Mapped[dict[str, list[str]]]
    phone_index: Mapped[bytes | None] = mapped_column(unique=True)
    email_index: Mapped[bytes | None] = mapped_column(index=True)
    phone_number: Mapped[bytes | None]
    name: Mapped[bytes | None]
    email: Mapped[bytes | None]
    address: Mapped[bytes | None]
    municipality: Mapped[bytes | None]
    national_id: Mapped[bytes | None]
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
    def works_in(self) -> Scope:
        """The part of the programme and of the country this person works in."""
        return Scope(tuple(self.scope.get("projects", ())), tuple(self.scope.get("places", ())))

    @property
    def is_staff(self) -> bool:
        """Whether this person works for the institution, and may sign in with a password."""
        return Role(self.role).is_staff


class Credential(Base):
    """How a member of staff signs in."""

    __tablename__ = "credentials"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    login_index: Mapped[bytes] = mapped_column(unique=True)
    username: Mapped[bytes]
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ApiKey(Base):
    """A key a program of somebody else calls with. The key itself is not kept."""

    __tablename__ = "api_keys"

    key_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[list[str]]
    allowed_addresses: Mapped[list[str]] = mapped_column(server_default="[]")
    prefix: Mapped[str] = mapped_column(String(30))
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_api_keys_newest", "created_at", "key_id"),)


class AuditRow(Base):
    """Who did what to whom, and when: ids and codes, only ever added to."""

    __tablename__ = "audit_log"

    audit_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    who: Mapped[str] = mapped_column(String(100))
    act: Mapped[str] = mapped_column(String(40))
    about: Mapped[str | None] = mapped_column(String(100), index=True)
    at: Mapped[datetime]


def principal_of(user_id: int) -> str:
    """What tokens call a user."""
    return f"user:{user_id}"
