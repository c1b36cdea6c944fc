"""What goes out over the wire from the gateway itself."""

from typing import Any

from pydantic import ConfigDict, Field

from libs.common.events import Envelope
from libs.common.web.responses import Schema


class FeedPage(Schema):
    """Events of all services, oldest first, and where to go on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "specversion": "1.0",
                            "id": "019cac98-b2ec-7d95-81fa-4e7c3b0a6d29",
                            "source": "/services/grievance",
                            "type": "grievance.status_changed.v1",
                            "subject": "GRV-2026-7K3MQX-4",
                            "time": "2026-03-02T03:30:00Z",
                            "datacontenttype": "application/json",
                            "restricted": False,
                            "data": {
                                "grievance_id": "GRV-2026-7K3MQX-4",
                                "from_status": "acknowledged",
                                "to_status": "in_progress",
                                "action": "start",
                                "level": 1,
                            },
                        }
                    ],
                    "next_cursor": "AdYBVygfDGC-",
                    "incomplete": [],
                }
            ]
        }
    )

    items: list[Envelope]
    next_cursor: str
    """Always there, also when nothing is new: what comes next is read after it."""
    incomplete: list[str]
    """Services that did not answer: their events come later, after the same cursor."""


class EventSchema(Schema):
    """One topic: what it says, and the JSON Schema of its `data`."""

    topic: str = Field(examples=["grievance.note_added.v1"])
    description: str = Field(examples=["Somebody wrote a note on a case."])
    json_schema: dict[str, Any] = Field(
        examples=[{"type": "object", "properties": {"note_id": {"type": "string"}}}]
    )


class EventSchemas(Schema):
    items: list[EventSchema]
