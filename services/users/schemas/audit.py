"""The audit log on the wire."""

from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from libs.common.web.responses import Schema
from services.users.schemas.fields import Instant

Code = Annotated[str, StringConstraints(max_length=50, pattern=r"^[a-z_]+$", strict=True)]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[\x20-\x7e]+$", strict=True)
]


class AuditQuery(Schema):
    """What to look for: everything given has to hold."""

    who: Name | None = Field(default=None, examples=["user:12"])
    act: Code | None = Field(default=None, examples=["case_acted"])
    target: Name | None = Field(default=None, examples=["case:GRV-2026-7K3MQX-4"])
    service: Code | None = Field(default=None, examples=["grievance"])
    reason: Code | None = Field(default=None, examples=["contact_complainant"])
    date_from: AwareDatetime | None = Field(default=None, examples=["2026-03-01T00:00:00+05:45"])
    date_to: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: (
        Annotated[str, StringConstraints(max_length=50, pattern=r"^[\x21-\x7e]+$", strict=True)]
        | None
    ) = Field(default=None, examples=["019cac98-c1f0-7e47-93b6-8a5d5d1e8a40"])


class AuditRead(Schema):
    """One act: who did what to what, when and why. Ids and codes only."""

    event_id: str = Field(examples=["019cac98-c1f0-7e47-93b6-8a5d5d1e8a40"])
    service: str = Field(examples=["grievance"])
    who: str = Field(examples=["user:12"])
    role: str | None = Field(examples=["site_safeguards_focal_person"])
    act: str = Field(examples=["case_acted"])
    target: str | None = Field(examples=["case:GRV-2026-7K3MQX-4"])
    reason: str | None = Field(examples=["contact_complainant"])
    details: dict[str, Any] = Field(examples=[{"action": "acknowledge"}])
    at: Instant
