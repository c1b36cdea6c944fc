"""Which case belongs to which conversation, and the news of it, told where it was filed.

Events of one case mostly come in order, but may come late or twice: a move is taken over when it
starts where the case is known to stand, or when it is younger than what is known. What a link says
comes of events alone, so that replaying them makes the same links again (`relinking.py`).
"""

from collections.abc import Sequence
from datetime import datetime

from libs.common.db.uow import Transaction
from services.chat.domain.following import PROPOSED
from services.chat.domain.speaking import Voice
from services.chat.domain.thread import Thread, is_erased
from services.chat.models import CaseLink, Sender
from services.chat.repository import ChatRepository, ConversationNotFound, Standing

SUBMITTED_AS = "pending"
SUGGESTED = "suggested"


async def link(
    repository: ChatRepository,
    tx: Transaction,
    grievance_id: str,
    *,
    conversation_id: str,
    status: str,
    at: datetime,
) -> None:
    """Remember whose case this is; what is known of it already is never set back."""
    if await repository.conversation_of(grievance_id) is None:
        found = CaseLink(
            grievance_id=grievance_id,
            conversation_id=conversation_id,
            status=status,
            changed_at=at,
        )
        tx.session.add(found)


def take_over(case: CaseLink | Standing, *, from_status: str, to_status: str, at: datetime) -> bool:
    """Take a move of a case over; False when it is no news."""
    if case.status == to_status and case.changed_at == at:
        return True  # a replay knew of it before we heard
    if case.status != from_status and case.changed_at >= at:
        return False
    case.status, case.changed_at = to_status, max(case.changed_at, at)
    return True


async def note_filed(
    tx: Transaction, grievance_id: str, *, conversation_id: str, at: datetime
) -> None:
    """A case was filed from this conversation, whether or not its own request lived to say so."""
    repository = ChatRepository(tx.session)
    try:
        conversation = await repository.locked(conversation_id)
    except ConversationNotFound:
        return
    conversation.unclaimed_since = None
    conversation.restricted = conversation.restricted or tx.is_restricted
    await link(
        repository,
        tx,
        grievance_id,
        conversation_id=conversation_id,
        status=SUBMITTED_AS,
        at=at,
    )
    case = await repository.case(grievance_id)
    if case.status == SUBMITTED_AS:
        case.changed_at = at  # not when our own request was answered


async def tell_status(
    tx: Transaction, grievance_id: str, *, from_status: str, to_status: str, at: datetime
) -> None:
    """Take a move over and say it in the conversation, with a button when an answer is due."""
    held = await _held(tx, grievance_id)
    if held is None:
        return
    thread, case = held
    if not take_over(case, from_status=from_status, to_status=to_status, at=at):
        return
    voice = Voice(thread.conversation.locale)
    lines = [voice.say("status_changed", reference=grievance_id, status=voice.status(to_status))]
    buttons = []
    if to_status == PROPOSED:
        lines.append(voice.say("proposal"))
        title = voice.title("accept", reference=grievance_id)
        buttons = [voice.button("accept", "accept", title=title, grievance_id=grievance_id)]
    thread.say("\n\n".join(lines), buttons=buttons, sender=Sender.SYSTEM)


async def tell_classification(
    tx: Transaction, grievance_id: str, *, categories: Sequence[str], classification_status: str
) -> None:
    """Say how the case was understood; what an officer decided, or is protected, is not said."""
    held = await _held(tx, grievance_id)
    if held is None or classification_status != SUGGESTED or not categories:
        return
    thread, _ = held
    if tx.is_restricted or thread.conversation.restricted:
        return
    voice = Voice(thread.conversation.locale)
    names = ", ".join(voice.category(code) for code in categories)
    text = voice.say("classified", reference=grievance_id, categories=names)
    thread.say(text, sender=Sender.SYSTEM)


async def tell_rejected_file(tx: Transaction, file_id: str) -> None:
    """Say that a photo could not be used, wherever it was sent."""
    repository = ChatRepository(tx.session)
    for conversation_id in await repository.carriers(file_id):
        conversation = await repository.locked(conversation_id)
        if await is_erased(tx, conversation):
            continue
        thread = await Thread.hold(tx, conversation)
        thread.state.draft.file_ids = [
            each for each in thread.state.draft.file_ids if each != file_id
        ]
        text = Voice(conversation.locale).say("file_rejected")
        thread.say(text, sender=Sender.SYSTEM)
        thread.leave()


async def _held(tx: Transaction, grievance_id: str) -> tuple[Thread, CaseLink] | None:
    """The conversation of a case, under its lock, and what is known of the case."""
    repository = ChatRepository(tx.session)
    conversation_id = await repository.conversation_of(grievance_id)
    if conversation_id is None:
        return None
    conversation = await repository.locked(conversation_id)
    if await is_erased(tx, conversation):
        return None
    conversation.restricted = conversation.restricted or tx.is_restricted
    case = await repository.case(grievance_id)
    return await Thread.hold(tx, conversation), case
