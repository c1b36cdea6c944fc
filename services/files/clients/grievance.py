"""What files asks of the grievance service."""

from typing import Literal

from pydantic import BaseModel

from libs.common.errors import NotFound
from libs.common.web.client import PeerRefused, ServiceClient


class CaseNotFound(NotFound):
    """No such case, or none for this caller."""

    code = "GRIEVANCE_NOT_FOUND"


class _Access(BaseModel):
    access: Literal["owner", "officer"]
    is_restricted: bool


class GrievanceClient:
    """Who may see which case."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def check_access(self, grievance_id: str) -> bool:
        """Whether the case is a restricted one.

        Raises CaseNotFound unless the caller this request serves may see it.
        """
        try:
            found: _Access = await self._peer.get(
                f"/internal/grievances/{grievance_id}/access", reads=_Access, for_caller=True
            )
        except (NotFound, PeerRefused) as refusal:
            if refusal.status != NotFound.status:
                raise
            raise CaseNotFound("There is no such grievance.") from None
        return found.is_restricted
