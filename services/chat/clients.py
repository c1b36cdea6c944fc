"""What chat asks of other services."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from libs.common.contracts.grievance import GrievanceStatusChanged, GrievanceSubmitted
from libs.common.errors import NotFound
from libs.common.logging import get_logger
from libs.common.messaging.log import MAX_LIMIT, LogPage, Wanted
from libs.common.web.client import PeerFailed, PeerRefused, ServiceClient
from libs.common.web.feed import LogReader

log = get_logger(__name__)

MOVES = Wanted(types=(GrievanceSubmitted.topic, GrievanceStatusChanged.topic), restricted=True)

_ABOUT_THE_CONTENT = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


class Filed(BaseModel):
    """A case exists."""

    grievance_id: str
    access_code: str
    status: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Grievance does not take it as it is; asking again changes nothing."""

    code: str


@dataclass(frozen=True, slots=True)
class Away:
    """Nobody answered as promised; it may be asked again."""


Outcome = Filed | Refused | Away


class _Standing(BaseModel):
    status: str


class CaseLog:
    """What grievance has said of the cases, those of protected persons too."""

    def __init__(self, peer: ServiceClient) -> None:
        self._log = LogReader(peer)

    async def page(self, *, after: int) -> LogPage:
        """The next filings and moves. Raises PeerFailed, PeerRefused."""
        return await self._log.page(MOVES, after=after, limit=MAX_LIMIT)


class GrievanceClient:
    """Where cases are."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def file(self, complaint: dict[str, Any], *, key: str) -> Outcome:
        """File a complaint; with the same `key` as often as it takes, it is filed once."""
        try:
            filed: Filed = await self._peer.post(
                "/internal/grievances", complaint, reads=Filed, idempotency_key=key
            )
        except PeerFailed:
            return Away()
        except NotFound:
            return self._puzzled(NotFound.code)
        except PeerRefused as refusal:
            # A refusal that is not about the content is our fault or theirs, never the citizen's.
            if refusal.status in _ABOUT_THE_CONTENT:
                return Refused(refusal.code)
            return self._puzzled(refusal.code)
        return filed

    async def accept(self, grievance_id: str, *, by: str, key: str) -> Refused | Away | None:
        """Accept the proposed resolution for the complainant; None when it is accepted."""
        try:
            await self._peer.post(
                f"/internal/grievances/{grievance_id}/actions",
                {"action": "accept", "by": by},
                reads=_Standing,
                idempotency_key=key,
            )
        except PeerFailed:
            return Away()
        except NotFound:
            return Refused(NotFound.code)
        except PeerRefused as refusal:
            return Refused(refusal.code)
        return None

    @staticmethod
    def _puzzled(code: str) -> Away:
        log.error("filing.not_understood", code=code)
        return Away()
