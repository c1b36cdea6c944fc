"""What comes in and goes out over the wire."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from libs.common.errors import Invalid
from libs.common.web.responses import Schema
from services.files.domain.verdict import MAX_IMAGE_BYTES, check_size
from services.files.models import FileAttachment, Status

MAX_NAME = 1000
MAX_BASE64 = 15 * 1024 * 1024
GREY_DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
"""The smallest picture that is taken: an example one can send as it stands."""


class Base64Invalid(Invalid):
    """The text is not base64 as RFC 4648, section 4, has it."""

    code = "BASE64_INVALID"


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,50}$", strict=True)]
MaybeReference = Annotated[Reference | None, BeforeValidator(_none_if_empty)]
TypeWord = Annotated[str, StringConstraints(max_length=50, strict=True)]
FileName = Annotated[str, StringConstraints(max_length=MAX_NAME, strict=True)]
FileId = Annotated[str, Field(examples=["019cac98-8b10-7a52-8c3f-1e9d4b7a6f20"])]
TypeRead = Annotated[str, Field(examples=["image"])]
PublicPath = Annotated[
    str,
    Field(examples=["/uploads/GRV-2026-7K3MQX-4/019cac98-8b10-7a52-8c3f-1e9d4b7a6f20.png"]),
]
Instant = Annotated[datetime, Field(examples=["2026-03-02T03:30:00Z"])]
Base64 = Annotated[str, StringConstraints(max_length=MAX_BASE64, strict=True)]


class UploadForm(Schema):
    """The fields of a form beside the file itself."""

    file_type: TypeWord = Field(examples=["image"])
    grievance_id: MaybeReference = Field(default=None, examples=["GRV-2026-7K3MQX-4"])
    file_id: MaybeReference = None


class UploadJson(UploadForm):
    """The sources' JSON form of an upload (S0-19)."""

    file_data: Base64 = Field(examples=[GREY_DOT])
    file_name: FileName | None = Field(default=None, examples=["dhara.png"])


class InternalUpload(UploadJson):
    """A file that came inside a filing, for whoever filed it."""

    file_id: Reference = Field(examples=["019cac98-8b10-7a52-8c3f-1e9d4b7a6f20"])
    owner: Annotated[str, StringConstraints(min_length=1, max_length=100, strict=True)] = Field(
        examples=["guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"]
    )


class FileReceipt(Schema):
    file_id: FileId
    status: Status
    file_type: TypeRead


class SeedReceipt(Schema):
    """The literal answer of `POST /upload` (S1-03)."""

    status: Literal["success"] = "success"
    file_id: FileId
    file_path: PublicPath
    file_type: TypeRead


class FileRead(Schema):
    """What is known of a file."""

    file_id: FileId
    grievance_id: str | None = Field(examples=["GRV-2026-7K3MQX-4"])
    file_type: TypeRead
    file_path: PublicPath
    file_name: str | None = Field(examples=["dhara.png"])
    file_size: int = Field(examples=[184320])
    mime_type: str = Field(examples=["image/png"])
    status: Status = Field(examples=["ready"])
    reason: str | None = Field(examples=[None])
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, file: FileAttachment, name: str | None) -> "FileRead":
        """What whoever may see `file` reads of it."""
        return cls(
            file_id=file.file_id,
            grievance_id=file.grievance_id,
            file_type=file.file_type,
            file_path=public_path(file.grievance_id, file.file_id, file.file_path),
            file_name=name,
            file_size=file.file_size,
            mime_type=file.mime_type,
            status=Status(file.status),
            reason=file.reason,
            created_at=file.created_at,
            updated_at=file.updated_at,
        )


class FileDeletedRead(Schema):
    file_id: FileId
    status: Literal["deleted"] = "deleted"


def public_path(grievance_id: str | None, file_id: str, at: str) -> str:
    """The path the sources give a file; it says where it would lie, and opens nothing."""
    ending = at.rpartition(".")[2]
    return f"/uploads/{grievance_id or 'unattached'}/{file_id}.{ending}"


def decoded(text: str) -> bytes:
    """The bytes of strict base64. Raises Base64Invalid, EmptyFile or FileTooLarge."""
    if len(text) > (MAX_IMAGE_BYTES + 2) // 3 * 4:
        check_size(len(text) // 4 * 3)
    refusal = Base64Invalid(
        "`file_data` is base64 of the standard alphabet, with padding and without line breaks."
    )
    # The library is strict about the alphabet, and forgives any number of signs at the end.
    if len(text) % 4 or text.endswith("==="):
        raise refusal
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refusal from None
