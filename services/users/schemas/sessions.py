"""Sessions on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from libs.common.web.responses import Schema
from services.users.schemas.fields import Instant, RoleShown
from services.users.schemas.oauth import SessionId


class SessionRead(Schema):
    """One signing in that one can still go on with."""

    session_id: SessionId
    role: RoleShown
    method: str = Field(examples=["password"])
    created_at: Instant
    last_seen_at: Instant
    expires_at: datetime = Field(examples=["2026-03-02T15:30:00Z"])
    is_current: bool = Field(examples=[True])


class Ended(Schema):
    """How many sessions that ended."""

    ended: int = Field(examples=[1])


class RevocationQuery(Schema):
    since: AwareDatetime | None = None
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = None
