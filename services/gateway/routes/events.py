"""The event feed, and what the events look like."""

import json
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import Field, StringConstraints

from libs.common.errors import NotFound
from libs.common.messaging.log import MAX_LIMIT, Wanted
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import Anyone, may
from libs.common.web.feed import MAX_TYPES, Subject, Topic
from libs.common.web.responses import JSON, Schema, Success
from libs.common.web.routing import PathId, router
from services.gateway.domain import asyncapi, catalogue
from services.gateway.domain.feeding import MAX_CURSOR, Feed, FeedCursor, Stretch
from services.gateway.schemas import EventSchema, EventSchemas, FeedPage

routes = router(tag="events")
WAIT_SECONDS = 30
UNCHANGING = {"Cache-Control": "public, max-age=300"}


Reader = Annotated[
    Principal,
    Depends(may(Permission.EVENTS_READ, seconds=WAIT_SECONDS + 10.0, limit="poll")),
]


async def _feed(request: Request) -> Feed:
    found: Feed = request.app.state.feed
    return found


FeedPort = Annotated[Feed, Depends(_feed)]


class FeedQuery(Schema):
    after: Annotated[str, StringConstraints(max_length=MAX_CURSOR)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100
    type: Annotated[list[Topic], Field(max_length=MAX_TYPES)] = []
    subject: Subject | None = None
    wait: Annotated[float, Field(ge=0, le=WAIT_SECONDS, allow_inf_nan=False)] = 0


@routes.get("/api/v1/events", response_model=Success[FeedPage])
async def read_events(
    query: Annotated[FeedQuery, Query()], caller: Reader, feed: FeedPort
) -> Response:
    """What has happened, oldest first: every event of every service, as CloudEvents.

    Without `after`, from the very first one. `next_cursor` is always answered: read on with it, at
    once when the page had events, after a moment when it had none; `wait` holds the answer up to
    30 seconds until there is one. `type` is a topic or `grievance.*`, and may be given several
    times; `subject` is the id of one case, file, task, conversation or user. A service that does
    not answer is named in `incomplete`; its events come later, none is passed over. For API keys
    with the scope `events:read`.

    422 INVALID_CURSOR for a cursor that is none of ours; 409 CURSOR_AHEAD_OF_LOG when the log was
    set back to a time before the cursor: read from the beginning, and skip the ids you know.
    """
    after = FeedCursor() if query.after is None else FeedCursor.parse(query.after)
    wanted = Wanted(tuple(query.type), query.subject)
    found = await feed.page(wanted, after=after, limit=query.limit, wait=query.wait)
    return Response(_body(found), 200, {"Cache-Control": "no-store"}, JSON)


@routes.get("/api/v1/events/schemas", response_model=Success[EventSchemas])
async def list_schemas(caller: Anyone) -> Response:
    """Every topic there is, and the JSON Schema of what its events say."""
    items = [_described(topic) for topic in catalogue.topics()]
    return _json(Success(data=EventSchemas(items=items)).model_dump_json())


@routes.get("/api/v1/events/schemas/{topic}", response_model=Success[EventSchema])
async def read_schema(topic: PathId, caller: Anyone) -> Response:
    """One topic and the JSON Schema of what its events say."""
    if topic not in catalogue.topics():
        raise NotFound("There is no such topic.")
    return _json(Success(data=_described(topic)).model_dump_json())


@routes.get("/asyncapi.json", include_in_schema=False)
async def read_asyncapi(caller: Anyone) -> Response:
    """What Redress says, as AsyncAPI 3.0."""
    return _json(json.dumps(asyncapi.document(), ensure_ascii=False))


def _described(topic: str) -> EventSchema:
    kind = catalogue.topics()[topic]
    schema = catalogue.json_schema(kind)
    return EventSchema(topic=topic, description=catalogue.meaning(kind), json_schema=schema)


def _body(found: Stretch) -> bytes:
    """The envelope of a success around events that are passed on as they were stored."""
    missing = json.dumps(found.missing, separators=(",", ":")).encode()
    return b'{"status":"success","data":{"items":[%s],"next_cursor":"%s","incomplete":%s},%s' % (
        b",".join(found.items),
        str(found.cursor).encode(),
        missing,
        b'"message":null}',
    )


def _json(body: str) -> Response:
    return Response(body, 200, UNCHANGING, JSON)
