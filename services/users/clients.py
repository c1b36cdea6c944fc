"""What users asks of other services, and of the core business system."""

import asyncio
from collections.abc import Iterable
from urllib.parse import quote, urlencode

import httpx2
from pydantic import BaseModel, ValidationError

from libs.common.errors import NotFound
from libs.common.logging import get_logger
from libs.common.web.client import PeerRefused, ServiceClient
from libs.common.web.context import seconds_left

log = get_logger(__name__)

NOT_FOUND = 404
CORE_SECONDS = 3.0


class Contact(BaseModel):
    """How a complainant can be reached, as they said it when they filed."""

    name: str | None
    phone_number: str | None
    email: str | None = None
    address: str | None = None
    municipality: str | None = None


class PersonSeen(BaseModel):
    """The caller may see a case of somebody; whether one of them is restricted."""

    user_id: int
    is_restricted: bool


class _PersonsSeen(BaseModel):
    seen: list[PersonSeen]


class _KeptApart(BaseModel):
    kept_apart: set[int]


class GrievanceClient:
    """Where contacts are sealed until the vault takes them over, and who sees whose case."""

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

    async def seen(
        self, *, citizens: Iterable[int], staff: Iterable[int], grievance_id: str | None = None
    ) -> list[PersonSeen]:
        """Of whom the caller may see a case (that one, if it is named); 50 of each at most."""
        query = [("citizen", str(each)) for each in citizens]
        query += [("staff", str(each)) for each in staff]
        if grievance_id is not None:
            query.append(("grievance_id", grievance_id))
        path = f"/internal/persons/access?{urlencode(query)}"
        try:
            found: _PersonsSeen = await self._peer.get(path, reads=_PersonsSeen, for_caller=True)
        except NotFound:
            # What is named can be no case.
            return []
        return found.seen

    async def kept_apart(self, citizens: Iterable[int]) -> set[int]:
        """Who of them has SEAH cases and no others; 50 at most."""
        query = urlencode([("citizen", str(each)) for each in citizens])
        found: _KeptApart = await self._peer.get(
            f"/internal/persons/kept-apart?{query}", reads=_KeptApart
        )
        return found.kept_apart


class _Match(BaseModel):
    matches: bool


class CoreBusiness:
    """The system of whom the programme serves: it knows national ids, and says no more than yes.

    `POST {url}/identities/check {national_id, full_name}` → `{"matches": true}`. Where none is
    configured, or it does not answer, nothing can be checked, and a claim stays one.
    """

    def __init__(self, http: httpx2.AsyncClient, url: str | None) -> None:
        self._http = http
        self._url = url.rstrip("/") if url else None

    async def knows(self, national_id: str, full_name: str) -> bool:
        """Whether id and name belong to one person; False too when it cannot be said."""
        if self._url is None:
            return False
        seconds = seconds_left(CORE_SECONDS)
        body = {"national_id": national_id, "full_name": full_name}
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.post(
                    f"{self._url}/identities/check", json=body, timeout=seconds
                )
            return answer.is_success and _Match.model_validate_json(answer.content).matches
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, ValidationError) as error:
            log.warning("core_business.away", reason=type(error).__name__)
            return False
