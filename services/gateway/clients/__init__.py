"""What the gateway asks of the services themselves, beside what it passes on."""

import asyncio
from collections.abc import Mapping

import httpx2
from pydantic import BaseModel, ValidationError

from libs.common.web.client import PeerFailed, PeerRefused, ServiceClient

UNAUTHORIZED = 401
OK = 200


def open_http() -> httpx2.AsyncClient:
    """The client for what the gateway asks on its own account."""
    return httpx2.AsyncClient(limits=httpx2.Limits(max_connections=50), trust_env=False)


class KeyToken(BaseModel):
    """The short token of an API key."""

    access_token: str
    expires_in: int
    key_id: str
    scopes: tuple[str, ...] = ()
    allowed_addresses: tuple[str, ...] = ()
    """Where the key may be used from, as networks; none is anywhere."""


class UsersClient:
    """Who knows API keys."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def exchange(self, api_key: str) -> KeyToken | None:
        """The token of a key, or None when there is no such key. Raises PeerFailed."""
        try:
            found: KeyToken = await self._peer.post(
                "/internal/api-keys/exchange", {"api_key": api_key}, reads=KeyToken
            )
        except PeerRefused as refusal:
            if refusal.status == UNAUTHORIZED and refusal.code == "INVALID_API_KEY":
                return None
            raise PeerFailed("users does not exchange keys.", peer="users") from refusal
        return found


class Ready(BaseModel):
    """What a service says of itself at `/readyz`."""

    status: str = "not_ready"
    checks: dict[str, bool] = {}

    @property
    def is_ready(self) -> bool:
        """Whether it takes requests."""
        return self.status == "ready"


class Probes:
    """Asks every service whether it is ready, all at once."""

    def __init__(
        self, http: httpx2.AsyncClient, peers: Mapping[str, str], *, seconds: float
    ) -> None:
        self._http = http
        self._peers = peers
        self._seconds = seconds

    async def look(self) -> dict[str, Ready]:
        """Each service, and what it says of itself; nothing good, when it says nothing."""
        found = await asyncio.gather(*(self._ask(url) for url in self._peers.values()))
        return dict(zip(self._peers, found, strict=True))

    async def _ask(self, url: str) -> Ready:
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._http.get(f"{url}/readyz", timeout=self._seconds)
            return Ready.model_validate_json(answer.content)
        except (httpx2.HTTPError, OSError, TimeoutError, ValidationError):
            return Ready()
