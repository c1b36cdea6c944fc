"""What the gateway asks those who own what is watched, and who know tickets."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, JsonValue

from libs.common.errors import NotFound, Unauthenticated
from libs.common.web.client import PeerFailed, PeerRefused, ServiceClient
from libs.common.web.context import caller_token


class Watched(BaseModel):
    """What somebody may watch."""

    id: str


class _Summary(BaseModel):
    summary: str | None


class TicketToken(BaseModel):
    """The short token of whoever held a ticket."""

    access_token: str


class Owners:
    """The services, by the kind of thing they own."""

    def __init__(self, peers: Mapping[str, ServiceClient]) -> None:
        self._peers = peers

    async def watch(self, kind: str, id: str, *, token: str) -> Watched:  # noqa: A002
        """Ask once whether whoever holds `token` may watch this.

        Raises NotFound, PeerFailed, and Unauthenticated when the token has just ended.
        """
        before = caller_token.set(token)
        try:
            found: Watched = await self._peers[kind].get(
                f"/internal/watch/{quote(id, safe='')}", reads=Watched, for_caller=True
            )
        except PeerRefused as refusal:
            if refusal.status == HTTPStatus.UNAUTHORIZED:
                raise Unauthenticated("The token does not hold any more.") from None
            raise NotFound("There is nothing here.") from None
        finally:
            caller_token.reset(before)
        if found.id != id:
            raise NotFound("There is nothing here.")
        return found

    async def summary(self, grievance_id: str) -> str | None:
        """What the engine made of a case. Raises NotFound, PeerFailed."""
        found: _Summary = await self._detail("grievance", f"{grievance_id}/summary", _Summary)
        return found.summary

    async def message(self, conversation_id: str, message_id: str) -> dict[str, JsonValue]:
        """A message as its reader sees it. Raises NotFound, PeerFailed."""
        found: dict[str, JsonValue] = await self._detail(
            "conversation", f"{conversation_id}/messages/{message_id}", dict[str, JsonValue]
        )
        return found

    async def _detail(self, kind: str, path: str, reads: Any) -> Any:
        try:
            return await self._peers[kind].get(f"/internal/watch/{path}", reads=reads)
        except PeerRefused:
            raise NotFound("There is nothing here.") from None


class Tickets:
    """Who knows tickets."""

    def __init__(self, users: ServiceClient) -> None:
        self._users = users

    async def exchange(self, ticket: str) -> str | None:
        """The token of whoever holds `ticket`, or None when it does not hold. Raises PeerFailed."""
        try:
            found: TicketToken = await self._users.post(
                "/internal/tickets/exchange", {"ticket": ticket}, reads=TicketToken
            )
        except PeerRefused as refusal:
            if refusal.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY}:
                return None
            raise PeerFailed("users does not exchange tickets.", peer="users") from refusal
        return found.access_token
