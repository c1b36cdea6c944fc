"""Keys that programs of others call with."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from services.users.models.base import Base


class ApiKey(Base):
    """A key a program of somebody else calls with. The key itself is not kept."""

    __tablename__ = "api_keys"

    key_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    name: Mapped[bytes | None]
    """What it is called, sealed with a data key of its own (`key:<id>`)."""
    scopes: Mapped[list[str]]
    allowed_addresses: Mapped[list[str]] = mapped_column(server_default="[]")
    prefix: Mapped[str] = mapped_column(String(30))
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    replaces: Mapped[str | None] = mapped_column(String(50))
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_api_keys_newest", "created_at", "key_id"),)
