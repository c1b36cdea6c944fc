"""What comes in and goes out over the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from libs.common.web.responses import Schema, Words

MAX_TEXT = 5_000
MAX_SEED_TEXT = 2_000
MAX_ATTACHMENTS = 5


def _visible(text: str) -> str:
    """Refuse a text of which nothing can be seen."""
    if not any(char.isprintable() and not char.isspace() for char in text):
        raise ValueError("there is nothing to read in it")
    return text


Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,50}$", strict=True)]
ClientMessageId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$", strict=True)]
Text = Annotated[str, Words(MAX_TEXT), AfterValidator(_visible)]
SeedText = Annotated[str, Words(MAX_SEED_TEXT), AfterValidator(_visible)]
Seq = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")]


class MessageIn(Schema):
    """What the citizen writes. `client_message_id` makes sending it again the same message."""

    text: Text
    client_message_id: ClientMessageId | None = None
    locale: Literal["ne", "en"] | None = None
    attachments: Annotated[list[Reference], Field(max_length=MAX_ATTACHMENTS)] = []


class MessageCreate(MessageIn):
    """A message; without `conversation_id` it opens a conversation."""

    conversation_id: Reference | None = None


class ButtonRead(Schema):
    """A choice; to press it, send its payload as the text of a message."""

    title: str
    payload: str


class MessageRead(Schema):
    id: str
    sender: str
    text: str
    buttons: list[ButtonRead]
    attachments: list[str]
    created_at: datetime


class MetadataRead(Schema):
    """How the message was understood; it never decides anything by itself."""

    intent: str
    confidence: float
    source: str
    language: str


class ContextRead(Schema):
    """Where the talk stands: the form, what it asks for, and the case filed last."""

    form: Literal["grievance"] | None
    slot: str | None
    grievance_id: str | None


class ExchangeRead(Schema):
    conversation_id: str
    message: MessageRead
    replies: list[MessageRead]
    metadata: MetadataRead
    context: ContextRead


class CaseRead(Schema):
    """A case filed in a conversation, and where it stands as far as is known here."""

    grievance_id: str
    status: str


class ConversationRead(Schema):
    conversation_id: str
    channel: str
    status: str
    locale: str
    started_at: datetime
    ended_at: datetime | None
    grievances: list[CaseRead]


class ConversationsQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = None


class MessagesQuery(Schema):
    after: Seq | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class ConfigRead(Schema):
    """What a chat widget needs to know before it begins."""

    polling_interval_ms: int
    max_text: int
    max_attachments: int
    locales: list[str]


class FaqRead(Schema):
    id: str
    question: str
    question_ne: str
    answer: str
    answer_ne: str
    order: int


class SeedMessageIn(Schema):
    """The sources' message (S2-22)."""

    text: SeedText


class SeedMessageCreate(SeedMessageIn):
    conversation_id: Reference | None = None


class SeedMessageRead(Schema):
    """The bot's answer as the sources spell it (S2-22)."""

    id: str
    conversation_id: str
    sender: str
    text: str
    timestamp: datetime
    faq_matched: bool
    feedback: Literal["up", "down"] | None


class SeedMessagesQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    offset: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
