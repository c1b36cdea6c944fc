"""Every service's event log over HTTP, for our own programs: the route and its reader.

Restricted events are handed to services that hear them anyway, when they ask for them; the gateway
never gets one, so that none can leave the house by it.
"""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from libs.common.db.uow import UnitOfWork
from libs.common.errors import Forbidden
from libs.common.messaging.log import (
    MAX_LIMIT,
    MAX_POSITION,
    MEDIA,
    LogPage,
    NotALog,
    Wanted,
    read_log,
)
from libs.common.principal import Principal
from libs.common.settings import SERVICES
from libs.common.web.auth import Service
from libs.common.web.client import PeerFailed, ServiceClient
from libs.common.web.responses import Schema
from libs.common.web.routing import router

PATH = "/internal/events"
MAX_TYPES = 20
MAX_BYTES = 16 * 1024 * 1024
READ_SECONDS = 3.0

Topic = Annotated[
    str,
    StringConstraints(max_length=100, pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)*(\.\*)?$"),
]
"""A topic, or every topic below one: `grievance.*`."""
Subject = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class LogQuery(Schema):
    after: Annotated[int, Field(ge=0, le=MAX_POSITION)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = MAX_LIMIT
    type: Annotated[list[Topic], Field(max_length=MAX_TYPES)] = []
    subject: Subject | None = None
    restricted: bool = False


def feed_routes(uow: UnitOfWork) -> APIRouter:
    """The route that reads the log of `uow`."""
    routes = router(tag="events")

    @routes.get(PATH, include_in_schema=False)
    async def read_events(query: Annotated[LogQuery, Query()], caller: Service) -> Response:
        if query.restricted and not _is_of_the_house(caller):
            raise Forbidden("Restricted events do not leave the house.")
        wanted = Wanted(tuple(query.type), query.subject, query.restricted)
        async with uow.read() as tx:
            page = await read_log(
                tx.session, uow.ground, wanted, after=query.after, limit=query.limit
            )
        return Response(page.to_bytes(), media_type=MEDIA)

    return routes


def _is_of_the_house(caller: Principal) -> bool:
    return caller.id.removeprefix("service:") in SERVICES


class LogReader:
    """Reads the log of one peer."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def page(self, wanted: Wanted, *, after: int, limit: int) -> LogPage:
        """The next stretch. Raises PeerFailed, PeerRefused."""
        query: list[tuple[str, str]] = [("after", str(after)), ("limit", str(limit))]
        query += [("type", each) for each in wanted.types]
        if wanted.subject is not None:
            query.append(("subject", wanted.subject))
        if wanted.restricted:
            query.append(("restricted", "true"))
        content = await self._peer.get_bytes(
            f"{PATH}?{urlencode(query)}", at_most=MAX_BYTES, seconds=READ_SECONDS
        )
        try:
            return LogPage.from_bytes(content)
        except NotALog:
            raise PeerFailed(f"{self._peer.peer} sent no log.", peer=self._peer.peer) from None
