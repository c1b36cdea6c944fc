"""A confirmed filing is kept first and sent second: a yes is never lost and never filed twice."""

import json
from datetime import timedelta
from typing import Any

from libs.common.clock import utc_now
from libs.common.crypto.sealing import SubjectKey
from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.db.vault import GUEST
from libs.common.ids import new_id
from services.chat.clients import Away, Filed, GrievanceClient, Outcome, Refused
from services.chat.domain.asking import summary
from services.chat.domain.linking import link
from services.chat.domain.speaking import Voice
from services.chat.domain.state import Draft, Slot, State
from services.chat.domain.thread import Spoken, Thread, opened
from services.chat.models import Filing, FilingState, conversation_subject
from services.chat.repository import ChatRepository

FIRST_TRY_SECONDS = 5.0
"""How long the request that confirmed has the filing to itself; then the round takes it up."""
BATCH = 20
_PAYLOAD = "filings.payload"


def keep(thread: Thread, message_id: str, *, language: str) -> tuple[str, dict[str, Any]]:
    """Write down what was confirmed; answer its id, which is its key, and what to send."""
    state, conversation = thread.state, thread.conversation
    filing_id, now = new_id(), utc_now()
    complaint = {
        **_complaint(state.draft),
        "conversation_id": conversation.id,
        "channel": "chat",
        "filed_by": conversation.owner,
        "language": language,
    }
    payload = {
        "complaint": complaint,
        "draft": state.draft.model_dump(),
        "is_gentle": state.is_gentle,
    }
    thread.tx.insert(
        Filing,
        id=filing_id,
        conversation_id=conversation.id,
        message_id=message_id,
        state=FilingState.KEPT,
        payload=thread.key.seal(_PAYLOAD, filing_id, json.dumps(payload)),
        grievance_id=None,
        attempts=0,
        next_try_at=now + timedelta(seconds=FIRST_TRY_SECONDS),
        created_at=now,
    )
    conversation.unclaimed_since = None
    state.filed_token = state.token
    state.drop_draft()
    state.slot, state.filing_id = Slot.FILING, filing_id
    return filing_id, complaint


async def settle(
    tx: Transaction,
    filing_id: str,
    outcome: Outcome,
    *,
    conversation_id: str,
    retry_seconds: float,
) -> tuple[State, list[Spoken]]:
    """Write down what came of a kept filing, and tell the citizen; settled before, it stays so."""
    repository = ChatRepository(tx.session)
    thread = await Thread.hold(tx, await repository.locked(conversation_id))
    filing = await repository.filing(filing_id)
    if filing.state != FilingState.KEPT:
        message = await repository.message(conversation_id, filing.message_id)
        told = await repository.replies(message)
        return thread.state, [opened(thread.key, each) for each in told]
    match outcome:
        case Filed():
            said = await _filed(repository, thread, filing, outcome)
        case Refused():
            said = _refused(thread, filing)
        case Away():
            said = _away(thread, filing, retry_seconds)
    thread.leave()
    return thread.state, said


class KeptFilings:
    """Sends what is kept, until grievance has it."""

    def __init__(
        self, uow: UnitOfWork, grievance: GrievanceClient, *, retry_seconds: float
    ) -> None:
        self._uow = uow
        self._grievance = grievance
        self._retry_seconds = retry_seconds

    async def send_due(self) -> None:
        """Send every filing that is due; the first one nobody answers ends the round."""
        while due := await self._due():
            for filing_id, conversation_id, complaint in due:
                outcome = await self._grievance.file(complaint, key=filing_id)
                async with self._uow.begin() as tx:
                    await settle(
                        tx,
                        filing_id,
                        outcome,
                        conversation_id=conversation_id,
                        retry_seconds=self._retry_seconds,
                    )
                if isinstance(outcome, Away):
                    return

    async def _due(self) -> list[tuple[str, str, dict[str, Any]]]:
        async with self._uow.read() as tx:
            repository = ChatRepository(tx.session)
            filings = await repository.due(utc_now(), limit=BATCH)
            subjects = {each.id: conversation_subject(each.conversation_id) for each in filings}
            keys = await tx.vault.surviving_keys(subjects.values())
        return [
            (each.id, each.conversation_id, _opened(keys[subjects[each.id]], each)["complaint"])
            for each in filings
            if subjects[each.id] in keys
        ]


async def _filed(
    repository: ChatRepository, thread: Thread, filing: Filing, outcome: Filed
) -> list[Spoken]:
    filing.state, filing.payload = FilingState.FILED, None
    filing.grievance_id = outcome.grievance_id
    await link(
        repository,
        thread.tx,
        outcome.grievance_id,
        conversation_id=thread.conversation.id,
        status=outcome.status,
        at=filing.created_at,
    )
    if thread.state.filing_id == filing.id:
        thread.state.grievance_id = outcome.grievance_id
        if thread.state.slot is Slot.FILING:
            thread.state.slot = None
    voice = Voice(thread.conversation.locale)
    text = voice.say("filed", reference=outcome.grievance_id, code=outcome.access_code)
    button = voice.button("status", "status", grievance_id=outcome.grievance_id)
    return [thread.say(text, buttons=[button], reply_to=filing.message_id)]


def _refused(thread: Thread, filing: Filing) -> list[Spoken]:
    """Give the draft back to be looked over, unless the talk has moved on to something else."""
    state, voice = thread.state, Voice(thread.conversation.locale)
    kept = _opened(thread.key, filing)
    filing.state, filing.payload = FilingState.FAILED, None
    if thread.conversation.owner.startswith(GUEST) and state.grievance_id is None:
        thread.conversation.unclaimed_since = utc_now()
    if state.filing_id != filing.id or state.slot is not Slot.FILING:
        return [thread.say(voice.say("refused_later"), reply_to=filing.message_id)]
    state.drop_draft()
    state.slot, state.filing_id, state.filed_token = Slot.CONFIRM, None, None
    state.draft, state.is_gentle = Draft.model_validate(kept["draft"]), kept["is_gentle"]
    text, buttons = summary(state, voice)
    shown = f"{voice.say('refused')}\n\n{text}"
    return [thread.say(shown, buttons=buttons, reply_to=filing.message_id)]


def _away(thread: Thread, filing: Filing, retry_seconds: float) -> list[Spoken]:
    is_first = filing.attempts == 0
    filing.attempts += 1
    filing.next_try_at = utc_now() + timedelta(seconds=retry_seconds)
    if not is_first:
        return []
    voice = Voice(thread.conversation.locale)
    return [thread.say(voice.say("kept"), reply_to=filing.message_id)]


def _opened(key: SubjectKey, filing: Filing) -> dict[str, Any]:
    assert filing.payload is not None  # noqa: S101 - only a settled filing has lost it
    found: dict[str, Any] = json.loads(key.open(_PAYLOAD, filing.id, filing.payload))
    return found


def _complaint(draft: Draft) -> dict[str, Any]:
    place = {"municipality": draft.municipality, "ward": draft.ward, "text": draft.place}
    contact = {"name": draft.name, "phone_number": draft.phone}
    return {
        "description": draft.description,
        "place": {name: value for name, value in place.items() if value is not None},
        "contact": None
        if draft.is_anonymous
        else {name: value for name, value in contact.items() if value is not None},
        "file_ids": draft.file_ids,
    }
