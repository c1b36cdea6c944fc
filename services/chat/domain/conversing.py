"""One message and its answer, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from libs.common import auditing
from libs.common.clock import utc_now
from libs.common.contracts.chat import ConversationClosed as Closed, ConversationOpened
from libs.common.db.uow import Transaction
from libs.common.db.vault import GUEST
from libs.common.errors import Conflict, Invalid
from libs.common.ids import new_id
from libs.common.principal import Principal
from libs.language.sensitivity import Sensitivity
from services.chat.domain.answering import FaqBook
from services.chat.domain.dialogue import respond
from services.chat.domain.hearing import Heard
from services.chat.domain.keeping import keep
from services.chat.domain.speaking import Voice
from services.chat.domain.state import Slot, State
from services.chat.domain.thread import Spoken, Thread, blank_state, opened
from services.chat.domain.turn import AcceptNow, Case, FileNow, Moment, Turn
from services.chat.models import (
    Act,
    Attachment,
    Channel,
    Conversation,
    ConversationStatus,
    conversation_subject,
)
from services.chat.repository import ChatRepository

FIRST_VERSION = 1
_FACTS = frozenset({Slot.PLACE, Slot.CONTACT, Slot.CONTACT_NAME, Slot.CONTACT_PHONE, Slot.PHOTO})
"""Slots whose answers are names and numbers: they say nothing about the language."""


class ConversationClosed(Conflict):
    """The conversation has ended; open another one."""

    code = "CONVERSATION_CLOSED"


class ClientMessageIdReused(Invalid):
    """The name was given to another text: answering with that one's replies would lose this one."""

    code = "CLIENT_MESSAGE_ID_REUSED"


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a client sends: the message, and how it names it so that twice is once."""

    heard: Heard
    files: tuple[str, ...] = ()
    named: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class FilingToSend:
    """A kept filing that this request is to send."""

    filing_id: str
    complaint: dict[str, Any]


Errand = FilingToSend | AcceptNow
"""What has to be asked of grievance before there is a reply."""


@dataclass(slots=True)
class Exchange:
    """A message, what was answered, and where the talk stands."""

    conversation_id: str
    message: Spoken
    state: State
    replies: list[Spoken] = field(default_factory=list)
    errand: Errand | None = None
    is_repeat: bool = False


async def receive(
    tx: Transaction,
    incoming: Incoming,
    *,
    by: str,
    conversation_id: str | None,
    locale: str,
    faqs: FaqBook,
) -> Exchange:
    """Write a message down, decide the reply, and write that down as well.

    A message that was received before, by the name its client gave it, is answered as it was then.
    Raises ConversationNotFound, ConversationClosed, ClientMessageIdReused.
    """
    repository = ChatRepository(tx.session)
    if incoming.named:
        blind = tx.vault.blind("client_message_id", incoming.named).hex()
        incoming = replace(incoming, named=blind)
    if conversation_id is None and incoming.named:
        conversation_id = await repository.opened_with(by, incoming.named)
    if conversation_id is None:
        thread = _open(tx, await tx.vault.writer(by), incoming, locale)
    else:
        conversation = await repository.locked(conversation_id, owner=by)
        thread = await Thread.hold(tx, conversation)
        repeat = await _received_before(repository, thread, incoming)
        if repeat:
            return repeat
        if conversation.status == ConversationStatus.CLOSED:
            raise ConversationClosed("This conversation is closed; open another one.")
    cases = await repository.cases(thread.conversation.id) if conversation_id else ()
    moment = Moment(
        state=thread.state,
        heard=incoming.heard,
        voice=Voice(_language(thread, incoming)),
        cases=[Case(case.grievance_id, case.status) for case in cases],
        faqs=faqs,
        files=incoming.files,
    )
    await _attach(repository, thread, incoming.files)
    return _exchange(thread, moment, incoming)


async def close(tx: Transaction, conversation_id: str, *, by: Principal) -> Conversation:
    """End a conversation; ending it again changes nothing. News of its cases still arrives."""
    conversation = await ChatRepository(tx.session).locked(conversation_id, owner=by.id)
    if conversation.status == ConversationStatus.ACTIVE:
        conversation.status = ConversationStatus.CLOSED
        conversation.ended_at = utc_now()
        fact = Closed(conversation_id=conversation_id)
        tx.publish(fact, restricted=conversation.restricted)
        if by.is_staff:
            target, restricted = f"conversation:{conversation_id}", conversation.restricted
            auditing.record(tx, Act.CLOSED, by=by, target=target, restricted=restricted)
    return conversation


def _open(tx: Transaction, by: str, incoming: Incoming, locale: str) -> Thread:
    conversation_id, now = new_id(), utc_now()
    key = tx.vault.create(conversation_subject(conversation_id))
    conversation = Conversation(
        id=conversation_id,
        owner=by,
        opening_key=incoming.named,
        channel=Channel.WEB_CHAT,
        status=ConversationStatus.ACTIVE,
        locale=str(incoming.heard.language or locale),
        restricted=incoming.heard.sensitivity is Sensitivity.SEAH,
        state=blank_state(key, conversation_id),
        last_seq=0,
        version=FIRST_VERSION,
        started_at=now,
        unclaimed_since=now if by.startswith(GUEST) else None,
        ended_at=None,
    )
    tx.session.add(conversation)
    fact = ConversationOpened(conversation_id=conversation_id, channel=conversation.channel)
    tx.publish(fact, restricted=conversation.restricted)
    return Thread(tx, conversation, key)


def _exchange(thread: Thread, moment: Moment, incoming: Incoming) -> Exchange:
    conversation, heard = thread.conversation, incoming.heard
    if heard.sensitivity is Sensitivity.SEAH:
        conversation.restricted = True
    turn = respond(moment)
    conversation.locale = moment.voice.language
    message = thread.hear(
        heard.text, files=incoming.files, meta=_metadata(turn, moment), named=incoming.named
    )
    exchange = Exchange(conversation.id, message, thread.state)
    match turn.effect:
        case FileNow():
            filing_id, complaint = keep(thread, message.id, language=conversation.locale)
            exchange.errand = FilingToSend(filing_id, complaint)
        case AcceptNow():
            exchange.errand = turn.effect
        case None:
            said = thread.say(turn.text, buttons=turn.buttons, reply_to=message.id)
            exchange.replies.append(said)
    thread.leave()
    return exchange


async def _received_before(
    repository: ChatRepository, thread: Thread, incoming: Incoming
) -> Exchange | None:
    if incoming.named is None:
        return None
    message = await repository.sent_as(thread.conversation.id, incoming.named)
    if message is None:
        return None
    said = opened(thread.key, message)
    if said.text != incoming.heard.text:
        raise ClientMessageIdReused("This client_message_id names another message.")
    replies = [opened(thread.key, each) for each in await repository.replies(message)]
    return Exchange(thread.conversation.id, said, thread.state, replies, is_repeat=True)


async def _attach(repository: ChatRepository, thread: Thread, files: Sequence[str]) -> None:
    """Remember who sent a file, so that they can be told when it is refused."""
    if not files:
        return
    known = await repository.carried(thread.conversation.id, files)
    for file_id in files:
        if file_id not in known:
            values = {"file_id": file_id, "conversation_id": thread.conversation.id}
            thread.tx.insert(Attachment, **values)


def _language(thread: Thread, incoming: Incoming) -> str:
    """The language of the reply: what was asked for, else what two messages running were in."""
    state, heard, current = thread.state, incoming.heard, thread.conversation.locale
    if incoming.locale and incoming.locale != state.asked_locale:
        state.asked_locale = incoming.locale
        state.other_language = None
        return incoming.locale
    if heard.language is None or not heard.is_telling or state.slot in _FACTS:
        return current
    if heard.language == current:
        state.other_language = None
        return current
    if state.other_language == heard.language:
        state.other_language = None
        return str(heard.language)
    state.other_language = heard.language
    return current


def _metadata(turn: Turn, moment: Moment) -> dict[str, Any]:
    return {
        "intent": turn.intent,
        "confidence": round(turn.confidence, 3),
        "source": turn.source,
        "language": moment.voice.language,
    }
