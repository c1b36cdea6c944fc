"""What tasks asks of whoever had the work done: who may see what it is about."""

from collections.abc import Mapping

from pydantic import BaseModel

from libs.common.errors import NotFound
from libs.common.web.client import PeerRefused, ServiceClient


class _Watched(BaseModel):
    id: str


class OwnersClient:
    """The services that own what tasks are about."""

    def __init__(self, peers: Mapping[str, ServiceClient]) -> None:
        self._peers = peers

    async def shows(self, owner: str, subject: str) -> bool:
        """Whether the caller this request serves may see `subject`. Raises PeerFailed."""
        peer = self._peers.get(owner)
        if peer is None:
            return False
        try:
            await peer.get(f"/internal/watch/{subject}", reads=_Watched, for_caller=True)
        except (NotFound, PeerRefused) as refusal:
            if refusal.status != NotFound.status:
                raise
            return False
        return True
