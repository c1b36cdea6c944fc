"""What users asks of other services."""

from urllib.parse import quote

from pydantic import BaseModel

from libs.common.errors import NotFound
from libs.common.web.client import PeerRefused, ServiceClient

NOT_FOUND = 404


class Contact(BaseModel):
    """How a complainant can be reached, as they said it when they filed."""

    name: str | None
    phone_number: str | None


class GrievanceClient:
    """Where contacts are sealed until the vault takes them over."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def contact(self, grievance_id: str) -> Contact | None:
        """The contact of a case, or None when there is none to take over any more."""
        try:
            found: Contact = await self._peer.get(
                f"/internal/grievances/{quote(grievance_id, safe='')}/contact", reads=Contact
            )
        except NotFound:
            return None
        except PeerRefused as refusal:
            if refusal.status == NOT_FOUND:
                return None
            raise
        return found
