"""What grievance asks of other services."""

from dataclasses import dataclass

from pydantic import BaseModel

from libs.common.errors import NotFound
from libs.common.web.client import PeerFailed, PeerRefused, ServiceClient

FILE_SECONDS = 20.0


class ContactCard(BaseModel):
    """A contact, as much of it as an officer sees without giving a reason."""

    name: str | None
    phone_number: str | None


class _Masked(BaseModel):
    name_masked: str | None = None
    phone_masked: str | None = None


class _StoredFile(BaseModel):
    file_id: str


class ReadingResult(BaseModel):
    """What the classification task found."""

    language: str
    categories: list[str]
    summary: str
    engine: str


@dataclass(frozen=True, slots=True)
class Bytes:
    """A file that came inside a filing."""

    file_id: str
    file_type: str
    file_data: str
    file_name: str | None = None


class UsersClient:
    """The vault of people."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def contact(self, user_id: int) -> ContactCard | None:
        """The masked contact of a person, or None when the vault does not say in time."""
        try:
            found: _Masked = await self._peer.get(
                f"/internal/users/{user_id}/contact", reads=_Masked
            )
        except (PeerFailed, PeerRefused, NotFound):
            return None
        return ContactCard(name=found.name_masked, phone_number=found.phone_masked)


class FilesClient:
    """Where bytes go."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def store(self, file: Bytes, *, grievance_id: str, owner: str) -> None:
        """Keep a file that came with a filing; storing it twice is storing it once."""
        await self._peer.post(
            "/internal/files",
            {
                "file_id": file.file_id,
                "file_type": file.file_type,
                "file_name": file.file_name,
                "file_data": file.file_data,
                "grievance_id": grievance_id,
                "owner": owner,
            },
            reads=_StoredFile,
            idempotency_key=f"file:{file.file_id}",
            seconds=FILE_SECONDS,
        )


class TasksClient:
    """Where work is done."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def reading(self, task_id: str) -> ReadingResult:
        """What a classification task found."""
        found: ReadingResult = await self._peer.get(
            f"/internal/tasks/{task_id}/result", reads=ReadingResult
        )
        return found
