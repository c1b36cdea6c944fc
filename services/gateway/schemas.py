"""What goes out over the wire from the gateway itself."""

from typing import Any

from libs.common.events import Envelope
from libs.common.web.responses import Schema


class FeedPage(Schema):
    """Events of all services, oldest first, and where to go on."""

    items: list[Envelope]
    next_cursor: str
    """Always there, also when nothing is new: what comes next is read after it."""
    incomplete: list[str]
    """Services that did not answer: their events come later, after the same cursor."""


class EventSchema(Schema):
    """One topic: what it says, and the JSON Schema of its `data`."""

    topic: str
    description: str
    json_schema: dict[str, Any]


class EventSchemas(Schema):
    items: list[EventSchema]
