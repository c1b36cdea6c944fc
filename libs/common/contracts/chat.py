"""Facts the chat service tells."""

from typing import ClassVar

from libs.common.events import Event


class _AboutConversation(Event):
    about: ClassVar[str] = "conversation_id"

    conversation_id: str


class ConversationOpened(_AboutConversation):
    topic: ClassVar[str] = "chat.conversation_opened.v1"

    channel: str


class MessageReceived(_AboutConversation):
    topic: ClassVar[str] = "chat.message_received.v1"

    message_id: str


class MessageSent(_AboutConversation):
    topic: ClassVar[str] = "chat.message_sent.v1"

    message_id: str


class ConversationClosed(_AboutConversation):
    topic: ClassVar[str] = "chat.closed.v1"
