"""A conversation held under its lock: what is written into it gets the next number.

Numbers are given under the lock, so whoever reads beyond the last one seen never misses a message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.common.clock import utc_now
from libs.common.contracts.chat import MessageReceived, MessageSent
from libs.common.crypto.sealing import SubjectKey
from libs.common.db.uow import Transaction
from libs.common.ids import new_id
from services.chat.domain.speaking import Button
from services.chat.domain.state import State
from services.chat.models import Conversation, Message, Sender

_TEXT = "messages.text"
_STATE = "conversations.state"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message, opened."""

    id: str
    sender: str
    text: str
    buttons: list[Button]
    attachments: list[str]
    created_at: datetime
    meta: dict[str, Any]


class Thread:
    """Reads and writes one conversation."""

    def __init__(self, tx: Transaction, conversation: Conversation, key: SubjectKey) -> None:
        self.tx = tx
        self.conversation = conversation
        self.key = key
        self.state = State()

    @classmethod
    async def hold(cls, tx: Transaction, conversation: Conversation) -> "Thread":
        """Take up a conversation where it was left; the caller holds its row."""
        thread = cls(tx, conversation, await tx.vault.key(conversation.subject))
        opened = thread.key.open(_STATE, conversation.id, conversation.state)
        thread.state = State.model_validate_json(opened)
        return thread

    def hear(
        self, text: str, *, files: Sequence[str], meta: dict[str, Any], named: str | None
    ) -> Spoken:
        """Write down what the citizen says."""
        meta = {**meta, "attachments": list(files)}
        spoken = self._write(Sender.CUSTOMER, text, meta, named=named)
        self._tell(MessageReceived(conversation_id=self.conversation.id, message_id=spoken.id))
        return spoken

    def say(
        self,
        text: str,
        *,
        buttons: Sequence[Button] = (),
        reply_to: str | None = None,
        sender: Sender = Sender.BOT,
    ) -> Spoken:
        """Write down what is said to the citizen."""
        shown = [{"title": button.title, "payload": button.payload} for button in buttons]
        spoken = self._write(sender, text, {"buttons": shown}, reply_to=reply_to)
        self._tell(MessageSent(conversation_id=self.conversation.id, message_id=spoken.id))
        return spoken

    def leave(self) -> None:
        """Seal the memory of the talk; the last thing done with a thread."""
        sealed = self.key.seal(_STATE, self.conversation.id, self.state.model_dump_json())
        self.conversation.state = sealed

    def _write(
        self,
        sender: Sender,
        text: str,
        meta: dict[str, Any],
        *,
        named: str | None = None,
        reply_to: str | None = None,
    ) -> Spoken:
        message_id, now = new_id(), utc_now()
        self.conversation.last_seq += 1
        self.tx.insert(
            Message,
            id=message_id,
            conversation_id=self.conversation.id,
            seq=self.conversation.last_seq,
            sender=sender,
            text=self.key.seal(_TEXT, message_id, text),
            meta=meta,
            reply_to=reply_to,
            client_message_id=named,
            created_at=now,
        )
        return _spoken(message_id, sender, text, now, meta)

    def _tell(self, event: MessageReceived | MessageSent) -> None:
        self.tx.publish(event, restricted=self.conversation.restricted)


async def is_erased(tx: Transaction, conversation: Conversation) -> bool:
    """Whether what was said here can never be read again: nobody is told anything here."""
    return not await tx.vault.surviving_keys([conversation.subject])


def opened(key: SubjectKey, message: Message) -> Spoken:
    """A stored message, opened with the key of its conversation."""
    text = key.open(_TEXT, message.id, message.text)
    return _spoken(message.id, message.sender, text, message.created_at, message.meta)


def blank_state(key: SubjectKey, conversation_id: str) -> bytes:
    """The memory of a talk that has not begun."""
    return key.seal(_STATE, conversation_id, State().model_dump_json())


def state_of(key: SubjectKey, conversation: Conversation) -> State:
    """The memory of a talk, to look at."""
    return State.model_validate_json(key.open(_STATE, conversation.id, conversation.state))


def _spoken(message_id: str, sender: str, text: str, at: datetime, meta: dict[str, Any]) -> Spoken:
    buttons = [Button(each["title"], each["payload"]) for each in meta.get("buttons", ())]
    return Spoken(message_id, sender, text, buttons, meta.get("attachments", []), at, meta)
