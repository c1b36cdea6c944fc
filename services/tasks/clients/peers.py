"""What tasks asks of other services."""

from pydantic import BaseModel, Field

from libs.common.errors import AppError, NotFound
from libs.common.web.client import PeerRefused, ServiceClient

MAX_ORIGINAL = 10 * 1024 * 1024


class Gone(NotFound):
    """What the task is about does not exist any more."""

    code = "SUBJECT_GONE"


class Overtaken(AppError):
    """Another attempt has taken this task over; what this one does no longer counts."""

    code = "OVERTAKEN"


class _Text(BaseModel):
    description: str


class GrievanceClient:
    """Texts of cases."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def text(self, grievance_id: str) -> str:
        """The description of a case. Raises Gone."""
        try:
            found: _Text = await self._peer.get(
                f"/internal/grievances/{grievance_id}/text", reads=_Text
            )
        except (NotFound, PeerRefused) as refusal:
            raise _gone(refusal) from None
        return found.description


class OtpFound(BaseModel):
    """A code to be sent, and where to."""

    channel: str
    recipient: str
    code: str = Field(repr=False)
    language: str


class UsersClient:
    """Codes to be sent."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def otp(self, challenge_id: str) -> OtpFound:
        """What is to be sent. Raises Gone once it was used or is too old."""
        try:
            found: OtpFound = await self._peer.get(f"/internal/otp/{challenge_id}", reads=OtpFound)
        except (NotFound, PeerRefused) as refusal:
            raise _gone(refusal) from None
        return found


class FilesClient:
    """Bytes of files."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def original(self, file_id: str) -> bytes:
        """The bytes as they came. Raises Gone."""
        try:
            return await self._peer.get_bytes(
                f"/internal/files/{file_id}/original", at_most=MAX_ORIGINAL
            )
        except (NotFound, PeerRefused) as refusal:
            raise _gone(refusal) from None

    async def put_copy(self, file_id: str, content: bytes, *, attempt: int) -> None:
        """Store what `attempt` made of a file. Raises Overtaken or Gone."""
        headers = {"X-Attempt": str(attempt), "Content-Type": "application/octet-stream"}
        path = f"/internal/files/{file_id}/working-copy"
        try:
            await self._peer.put_bytes(path, content, headers=headers)
        except (NotFound, PeerRefused) as refusal:
            if getattr(refusal, "code", "") == "LATE_ATTEMPT":
                raise Overtaken("A later attempt has written already.") from None
            raise _gone(refusal) from None


def _gone(refusal: AppError) -> AppError:
    if refusal.status == NotFound.status:
        return Gone("It does not exist any more.")
    return refusal
