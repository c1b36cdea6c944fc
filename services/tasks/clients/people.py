"""What tasks asks of every service about one person, for their export."""

from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel

from libs.common.errors import NotFound
from libs.common.web.client import PeerRefused, ServiceClient
from services.tasks.clients.peers import Gone, Overtaken

ARCHIVE_SECONDS = 290.0
_AT_ONCE = 50
"""So many cases are named in one question: a path may only be so long."""


class _Holding(BaseModel):
    held: dict[str, Any]


class PeopleClient:
    """Everything that is held on people, and where it goes."""

    def __init__(self, peers: Mapping[str, ServiceClient]) -> None:
        self._peers = peers

    async def held(
        self, service: str, user_id: int, *, cases: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What `service` holds on somebody, and on these cases of theirs."""
        held: dict[str, list[Any]] = {}
        for start in range(0, max(len(cases), 1), _AT_ONCE):
            query = urlencode([("case", case) for case in cases[start : start + _AT_ONCE]])
            path = f"/internal/people/{user_id}/export?{query}"
            try:
                found: _Holding = await self._peers[service].get(path, reads=_Holding)
            except NotFound:
                raise Gone("There is no such person any more.") from None
            if not start:
                held = found.held
                continue
            for name, rows in found.held.items():
                held[name] += [row for row in rows if row not in held[name]]
        return held

    async def deliver(self, export_id: str, content: AsyncIterator[bytes], *, attempt: int) -> None:
        """Hand an archive over as it is made. Raises Overtaken or Gone."""
        headers = {"X-Attempt": str(attempt), "Content-Type": "application/octet-stream"}
        path = f"/internal/exports/{export_id}/archive"
        try:
            await self._peers["users"].put_bytes(
                path, content, headers=headers, seconds=ARCHIVE_SECONDS
            )
        except NotFound:
            raise Gone("Nobody waits for this export any more.") from None
        except PeerRefused as refusal:
            if refusal.status == HTTPStatus.CONFLICT:
                raise Overtaken("Another attempt has delivered it.") from None
            raise
