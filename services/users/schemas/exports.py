"""Exports, erasure and retention on the wire."""

from typing import Annotated

from pydantic import Field, StringConstraints

from libs.common.web.responses import Int32, Schema
from services.users.domain.erasing import ErasureReason
from services.users.domain.exporting import ExportState
from services.users.schemas.fields import Instant, UserId

URL = "/api/v1/exports/{}/download?expires={}&signature={}"
_ID = "019cac98-b2d4-7c11-9a5e-6f0b3d8c2e47"


class ExportRead(Schema):
    """How far an export has come. The link is good for a quarter of an hour; ask for another."""

    export_id: str = Field(examples=[_ID])
    state: ExportState = Field(examples=["ready"])
    requested_at: Instant
    ready_at: Instant | None
    expires_at: Instant | None
    size: int | None = Field(examples=[184320])
    sha256: str | None = Field(examples=["9f86d081884c7d659a2feaa0c55ad015"])
    download_url: str | None = Field(examples=[URL.format(_ID, 1772423100, "5f2c9b71")])
    download_until: Instant | None


class ExportLink(Schema):
    """What a download link carries."""

    expires: Annotated[int, Field(ge=0, le=2**40, examples=[1772423100])]
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        examples=["5f2c9b71" * 8]
    )


class ErasureIn(Schema):
    """Why somebody is erased."""

    reason: ErasureReason = Field(examples=["person_asked"])


class Erasure(Schema):
    """Erased here, and announced: every service does the same within moments."""

    user_id: UserId


class ArchiveKept(Schema):
    export_id: str = Field(examples=[_ID])


class RetentionRuleRead(Schema):
    """How long one kind of data is kept."""

    kind: str = Field(examples=["exports"])
    keep_days: int = Field(examples=[7])
    is_default: bool = Field(examples=[True])


class RetentionRuleIn(Schema):
    """How long it is to be kept from now on."""

    keep_days: Annotated[Int32, Field(ge=1, le=3650)] = Field(examples=[7])
