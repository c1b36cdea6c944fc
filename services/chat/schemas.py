"""What comes in and goes out over the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

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
ConversationId = Annotated[str, Field(examples=["019cac98-7ac0-7d3e-9b41-5f0c2a6e8d17"])]
MessageId = Annotated[str, Field(examples=["019cac98-7ac0-7f08-a6c5-9e2b4d7f1a63"])]
Sender = Annotated[str, Field(examples=["bot"])]
Reply = Annotated[str, Field(examples=["के भयो, आफ्नै शब्दमा लेख्नुहोस्।"])]
Locale = Annotated[str, Field(examples=["ne"])]
Instant = Annotated[datetime, Field(examples=["2026-03-02T03:30:00Z"])]


class MessageIn(Schema):
    """What the citizen writes. `client_message_id` makes sending it again the same message."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "धारामा दुई हप्तादेखि पानी आएको छैन।", "client_message_id": "m-1"},
                {"text": "There has been no water for two weeks.", "locale": "en"},
            ]
        }
    )

    text: Text
    client_message_id: ClientMessageId | None = None
    locale: Literal["ne", "en"] | None = None
    attachments: Annotated[list[Reference], Field(max_length=MAX_ATTACHMENTS)] = []


class MessageCreate(MessageIn):
    """A message; without `conversation_id` it opens a conversation."""

    conversation_id: Reference | None = None


class ButtonRead(Schema):
    """A choice; to press it, send its payload as the text of a message."""

    title: str = Field(examples=["गुनासो दर्ता"])
    payload: str = Field(examples=["/file"])


class MessageRead(Schema):
    id: MessageId
    sender: Sender
    text: Reply
    buttons: list[ButtonRead]
    attachments: list[str] = Field(examples=[[]])
    created_at: Instant


class MetadataRead(Schema):
    """How the message was understood; it never decides anything by itself."""

    intent: str = Field(examples=["file_grievance"])
    confidence: float = Field(examples=[0.92])
    source: str = Field(examples=["rules"])
    language: Locale


class ContextRead(Schema):
    """Where the talk stands: the form, what it asks for, and the case filed last."""

    form: Literal["grievance"] | None
    slot: str | None = Field(examples=["description"])
    grievance_id: str | None = Field(examples=[None])


class ExchangeRead(Schema):
    conversation_id: ConversationId
    message: MessageRead = Field(
        examples=[
            {
                "id": "019cac98-7a90-7c74-b35e-8d1f6a2c9b07",
                "sender": "customer",
                "text": "धारामा दुई हप्तादेखि पानी आएको छैन।",
                "buttons": [],
                "attachments": [],
                "created_at": "2026-03-02T03:30:00Z",
            }
        ]
    )
    replies: list[MessageRead]
    metadata: MetadataRead
    context: ContextRead


class CaseRead(Schema):
    """A case filed in a conversation, and where it stands as far as is known here."""

    grievance_id: str = Field(examples=["GRV-2026-7K3MQX-4"])
    status: str = Field(examples=["pending"])


class ConversationRead(Schema):
    conversation_id: ConversationId
    channel: str = Field(examples=["web_chat"])
    status: str = Field(examples=["active"])
    locale: Locale
    started_at: Instant
    ended_at: datetime | None = Field(examples=[None])
    grievances: list[CaseRead]


class ConversationsQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = Field(
        default=None,
        examples=["WyIyMDI2LTAzLTAyVDAzOjMwOjAwKzAwOjAwIiwiR1JWLTIwMjYtN0szTVFYLTQiXQ"],
    )


class MessagesQuery(Schema):
    after: Seq | None = Field(default=None, examples=["12"])
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class ConfigRead(Schema):
    """What a chat widget needs to know before it begins."""

    polling_interval_ms: int = Field(examples=[2500])
    max_text: int = Field(examples=[MAX_TEXT])
    max_attachments: int = Field(examples=[MAX_ATTACHMENTS])
    locales: list[str] = Field(examples=[["ne", "en"]])


class FaqRead(Schema):
    id: str = Field(examples=["faq-cost"])
    question: str = Field(examples=["Does it cost anything?"])
    question_ne: str = Field(examples=["गुनासो गर्न पैसा लाग्छ?"])
    answer: str = Field(examples=["No, filing is free."])
    answer_ne: str = Field(examples=["लाग्दैन, गुनासो दर्ता निःशुल्क हो।"])
    order: int = Field(examples=[3])


class SeedMessageIn(Schema):
    """The sources' message (S2-22)."""

    text: SeedText = Field(examples=["गुनासो गर्न पैसा लाग्छ?", "Does it cost anything?"])


class SeedMessageCreate(SeedMessageIn):
    conversation_id: Reference | None = None


class SeedMessageRead(Schema):
    """The bot's answer as the sources spell it (S2-22)."""

    id: MessageId
    conversation_id: ConversationId
    sender: Sender
    text: str = Field(examples=["लाग्दैन, गुनासो दर्ता निःशुल्क हो।"])
    timestamp: Instant
    faq_matched: bool = Field(examples=[True])
    feedback: Literal["up", "down"] | None = Field(examples=[None])


class SeedMessagesQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    offset: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
