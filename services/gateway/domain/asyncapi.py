"""What Redress says, as an AsyncAPI 3.0 document made of the contracts.

A channel is a topic on the exchange; the feed and the pushes carry the same facts another way.
"""

from typing import Any

from libs.common.events import CONTENT_TYPE, Envelope, Event
from libs.common.messaging.log import MAX_LIMIT
from libs.common.web.health import VERSION
from services.gateway.domain.catalogue import json_schema, meaning, owner, topics

Document = dict[str, Any]
EXCHANGE = "redress.events"
FEED = "feed"

DESCRIPTION = """\
Every business fact of Redress is an event: CloudEvents 1.0, structured JSON, written in the
transaction that made it true. Events carry ids and codes, never personal data.

They can be had in three ways. **The exchange** delivers at least once, in order for each aggregate,
to any durable queue bound to it. **The feed** (`GET /api/v1/events`) is the same facts over HTTP,
by cursor, from the very first one: what a consumer that was away reads. **Pushes** (Socket.IO and
server-sent events) are hints to people's screens: what they say is read again where it is kept.

Consumers remember the `id` of what they handled: an event may come more than once. Fields are only
ever added within a version; the version is the end of the topic.

Events of SEAH cases go to an exchange of their own that is bound inside the house alone. They are
in no feed and in no push."""

SOCKETS = (
    "Socket.IO. `subscribe(kind, id)` asks the owner of a task, a case or a conversation once "
    "whether the caller may see it; then `task_status`, `classification_complete`, "
    "`grievance_status`, `chat_message` and `typing` say that there is something to read."
)
STREAM = (
    "Server-sent events: the same hints for clients that only listen. The ticket in the "
    "address comes from `POST /api/v1/auth/ticket`."
)


def document() -> Document:
    """The document."""
    kinds = topics()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Redress events",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": _servers(),
        "channels": {
            **{topic: _topic_channel(topic, kind) for topic, kind in kinds.items()},
            FEED: _feed_channel(list(kinds)),
            "socketio": _push_channel("/socket.io", SOCKETS),
            "stream": _push_channel("/api/v1/events/stream", STREAM),
        },
        "operations": {
            **{f"say.{topic}": _saying(topic, kind) for topic, kind in kinds.items()},
            "read.feed": _reading(list(kinds)),
        },
        "components": {
            "messages": {topic: _message(topic, kind) for topic, kind in kinds.items()},
            "schemas": {
                "CloudEvent": Envelope.model_json_schema(mode="serialization"),
                **{topic: json_schema(kind) for topic, kind in kinds.items()},
            },
            "securitySchemes": {
                "api_key": {
                    "type": "httpApiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "A key with the scope `events:read`.",
                }
            },
        },
    }


def _servers() -> Document:
    return {
        "broker": {
            "host": "{host}",
            "protocol": "amqp",
            "protocolVersion": "0.9.1",
            "description": "RabbitMQ of the installation, for consumers inside its network.",
            "variables": {"host": {"default": "localhost:5672"}},
        },
        "gateway": {
            "host": "{host}",
            "protocol": "http",
            "description": "The one door, for everybody else.",
            "variables": {"host": {"default": "localhost:8000"}},
        },
    }


def _ref(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}


def _topic_channel(topic: str, kind: type[Event]) -> Document:
    return {
        "address": topic,
        "description": f"{meaning(kind)} Said by {owner(kind)}; ordered by `{kind.about}`.",
        "servers": [_ref("servers", "broker")],
        "messages": {topic: _ref("components", "messages", topic)},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {
                    "name": EXCHANGE,
                    "type": "topic",
                    "durable": True,
                    "autoDelete": False,
                    "vhost": "/",
                },
                "bindingVersion": "0.3.0",
            }
        },
    }


def _feed_channel(names: list[str]) -> Document:
    return {
        "address": "/api/v1/events",
        "description": "The logs of all services merged by time, oldest first. `next_cursor` is "
        "always answered; reading goes on after it, without `after` from the beginning.",
        "servers": [_ref("servers", "gateway")],
        "messages": {topic: _ref("components", "messages", topic) for topic in names},
    }


def _push_channel(address: str, description: str) -> Document:
    return {
        "address": address,
        "description": description,
        "servers": [_ref("servers", "gateway")],
    }


def _saying(topic: str, kind: type[Event]) -> Document:
    return {
        "action": "send",
        "channel": _ref("channels", topic),
        "summary": meaning(kind),
        "messages": [_ref("channels", topic, "messages", topic)],
        "tags": [{"name": owner(kind)}],
    }


def _reading(names: list[str]) -> Document:
    parameters: dict[str, Document] = {
        "after": {"type": "string", "description": "The `next_cursor` of the page before."},
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 100},
        "type": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Topics, or all below one: `grievance.*`.",
        },
        "subject": {"type": "string", "description": "The id of one aggregate."},
        "wait": {"type": "number", "minimum": 0, "maximum": 30, "default": 0},
    }
    return {
        "action": "send",
        "channel": _ref("channels", FEED),
        "summary": "Events are answered to whoever asks for what comes after a cursor.",
        "security": [_ref("components", "securitySchemes", "api_key")],
        "messages": [_ref("channels", FEED, "messages", topic) for topic in names],
        "bindings": {
            "http": {
                "method": "GET",
                "query": {"type": "object", "properties": parameters},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _message(topic: str, kind: type[Event]) -> Document:
    data = {"type": {"const": topic}, "data": _ref("components", "schemas", topic)}
    return {
        "name": topic,
        "title": kind.__name__,
        "summary": meaning(kind),
        "contentType": CONTENT_TYPE,
        "payload": {
            "allOf": [
                _ref("components", "schemas", "CloudEvent"),
                {"type": "object", "properties": data},
            ]
        },
    }
