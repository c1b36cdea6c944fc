"""Questions to the chat schema."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.paging import Cursor, newest_first
from libs.common.errors import NotFound
from services.chat.models import (
    Attachment,
    CaseLink,
    ChatConfig,
    Conversation,
    Faq,
    Filing,
    FilingState,
    Message,
)

_ID = re.compile(r"[A-Za-z0-9-]{1,50}")


class ConversationNotFound(NotFound):
    """No such conversation, or none of this caller's."""

    code = "CONVERSATION_NOT_FOUND"


class MessageNotFound(NotFound):
    """No such message in this conversation."""

    code = "MESSAGE_NOT_FOUND"


@dataclass(slots=True)
class Standing:
    """What a link says of its case, apart from any row."""

    conversation_id: str
    status: str
    changed_at: datetime

    @classmethod
    def of(cls, row: CaseLink) -> "Standing":
        """What `row` says."""
        return cls(row.conversation_id, row.status, row.changed_at)


class ChatRepository:
    """Conversations and what hangs on them, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def locked(self, conversation_id: str, *, owner: str | None = None) -> Conversation:
        """A conversation, held until the transaction ends. Raises ConversationNotFound."""
        return await self._one(_owned(conversation_id, owner).with_for_update())

    async def owned(self, conversation_id: str, *, owner: str) -> Conversation:
        """A conversation of `owner`. Raises ConversationNotFound."""
        return await self._one(_owned(conversation_id, owner))

    async def of_person(self, owner: str, grievance_ids: Collection[str]) -> Sequence[Conversation]:
        """The conversations of `owner`, and those these cases were filed in."""
        filed = select(CaseLink.conversation_id).where(CaseLink.grievance_id.in_(grievance_ids))
        theirs = or_(Conversation.owner == owner, Conversation.id.in_(filed))
        return await self._all(select(Conversation).where(theirs).order_by(Conversation.id))

    async def all_of(self, owner: str) -> Sequence[Conversation]:
        """Every conversation of `owner`, held until the transaction ends."""
        query = select(Conversation).where(Conversation.owner == owner)
        return await self._all(query.order_by(Conversation.id).with_for_update())

    async def held(self, conversation_ids: Collection[str]) -> Sequence[Conversation]:
        """Those conversations, held until the transaction ends."""
        query = select(Conversation).where(Conversation.id.in_(conversation_ids))
        return await self._all(query.order_by(Conversation.id).with_for_update())

    async def unclaimed(
        self, before: datetime, *, restricted: bool, limit: int
    ) -> Sequence[Conversation]:
        """Talks that are nobody's, silent since `before`; held, but for busy ones."""
        last = select(Message.created_at).where(
            Message.conversation_id == Conversation.id, Message.seq == Conversation.last_seq
        )
        query = select(Conversation).where(
            Conversation.unclaimed_since < before,
            Conversation.restricted == restricted,
            last.scalar_subquery() < before,
        )
        held = query.with_for_update(of=Conversation, skip_locked=True)
        return await self._all(held.order_by(Conversation.unclaimed_since).limit(limit))

    async def forget_words(self, conversation_ids: Collection[str]) -> None:
        """Keep nothing of these conversations that a client named, showed or was about to file."""
        theirs = Message.conversation_id.in_(conversation_ids)
        bare: dict[str, Any] = {"client_message_id": None, "meta": {}}
        await self._session.execute(update(Message).where(theirs).values(bare))
        unfiled = Filing.conversation_id.in_(conversation_ids), Filing.payload.is_not(None)
        given_up = {"payload": None, "state": FilingState.FAILED}
        await self._session.execute(update(Filing).where(*unfiled).values(given_up))

    async def hand_over(self, owner: str, *, to: str) -> Sequence[str]:
        """What `owner` said, `to` said; they may have named how a talk began the same."""
        theirs = update(Conversation).where(Conversation.owner == owner)
        handed = theirs.values(owner=to, opening_key=None, unclaimed_since=None).returning(
            Conversation.id
        )
        return await self._all(handed)

    async def opened_with(self, owner: str, key: str) -> str | None:
        """The id of the conversation whose first message `owner` named `key`."""
        wanted = Conversation.owner == owner, Conversation.opening_key == key
        found: str | None = await self._session.scalar(select(Conversation.id).where(*wanted))
        return found

    async def page(self, owner: str, *, after: Cursor | None, limit: int) -> Sequence[Conversation]:
        """The newest conversations of `owner`; one more than `limit` when there are more."""
        query = select(Conversation).where(Conversation.owner == owner)
        at, row = Conversation.started_at.expression, Conversation.id.expression
        return await self._all(newest_first(query, at, row, after=after, limit=limit))

    async def messages(self, conversation_id: str, *, after: int, limit: int) -> Sequence[Message]:
        """The messages numbered beyond `after`, in order."""
        query = select(Message).where(
            Message.conversation_id == conversation_id, Message.seq > after
        )
        return await self._all(query.order_by(Message.seq).limit(limit))

    async def message(self, conversation_id: str, message_id: str) -> Message:
        """One message of a conversation. Raises MessageNotFound."""
        found = await self._session.get(Message, message_id) if _ID.fullmatch(message_id) else None
        if found is None or found.conversation_id != conversation_id:
            raise MessageNotFound("There is no such message.")
        return found

    async def sent_as(self, conversation_id: str, client_message_id: str) -> Message | None:
        """The message its sender named so."""
        query = select(Message).where(
            Message.conversation_id == conversation_id,
            Message.client_message_id == client_message_id,
        )
        found: Message | None = await self._session.scalar(query)
        return found

    async def replies(self, message: Message) -> Sequence[Message]:
        """What was answered to a message."""
        query = select(Message).where(
            Message.conversation_id == message.conversation_id,
            Message.seq > message.seq,
            Message.reply_to == message.id,
        )
        return await self._all(query.order_by(Message.seq))

    async def cases(self, *conversation_ids: str) -> Sequence[CaseLink]:
        """The cases filed in these conversations, the latest news last."""
        query = select(CaseLink).where(CaseLink.conversation_id.in_(conversation_ids))
        return await self._all(query.order_by(CaseLink.changed_at, CaseLink.grievance_id))

    async def conversation_of(self, grievance_id: str) -> str | None:
        """The conversation a case was filed in."""
        query = select(CaseLink.conversation_id).where(CaseLink.grievance_id == grievance_id)
        found: str | None = await self._session.scalar(query)
        return found

    async def case(self, grievance_id: str) -> CaseLink:
        """What is known of a case, held until the transaction ends."""
        query = select(CaseLink).where(CaseLink.grievance_id == grievance_id).with_for_update()
        return (await self._session.scalars(query)).one()

    async def standings(self) -> dict[str, Standing]:
        """What every link says, by its case."""
        query = select(
            CaseLink.grievance_id, CaseLink.conversation_id, CaseLink.status, CaseLink.changed_at
        )
        rows = await self._session.execute(query)
        return {case: Standing(talk, status, at) for case, talk, status, at in rows}

    async def held_links(self, grievance_ids: Sequence[str]) -> Sequence[CaseLink]:
        """The links of these cases, held until the transaction ends."""
        query = select(CaseLink).where(CaseLink.grievance_id.in_(grievance_ids))
        return await self._all(query.order_by(CaseLink.grievance_id).with_for_update())

    async def existing(self, conversation_ids: Collection[str]) -> set[str]:
        """Those of `conversation_ids` that are conversations of ours."""
        query = select(Conversation.id).where(Conversation.id.in_(conversation_ids))
        return set(await self._all(query))

    async def filing(self, filing_id: str) -> Filing:
        """A confirmed filing, held until the transaction ends."""
        query = select(Filing).where(Filing.id == filing_id).with_for_update()
        return (await self._session.scalars(query)).one()

    async def due(self, now: datetime, *, limit: int) -> Sequence[Filing]:
        """Kept filings whose time to be sent again has come, the longest due first."""
        query = select(Filing).where(Filing.state == FilingState.KEPT, Filing.next_try_at <= now)
        return await self._all(query.order_by(Filing.next_try_at).limit(limit))

    async def carriers(self, file_id: str) -> Sequence[str]:
        """The conversations a file was sent in."""
        query = select(Attachment.conversation_id).where(Attachment.file_id == file_id)
        return await self._all(query.order_by(Attachment.conversation_id))

    async def carried(self, conversation_id: str, file_ids: Sequence[str]) -> set[str]:
        """Those of `file_ids` that were sent in a conversation before."""
        query = select(Attachment.file_id).where(
            Attachment.conversation_id == conversation_id, Attachment.file_id.in_(file_ids)
        )
        return set(await self._all(query))

    async def faqs(self) -> Sequence[Faq]:
        """The active questions, in their order (S2-06)."""
        query = select(Faq).where(Faq.is_active)
        return await self._all(query.order_by(Faq.order, Faq.id))

    async def config(self) -> ChatConfig:
        """The one row of the configuration; the migration puts it there."""
        query = select(ChatConfig).where(ChatConfig.id == 1)
        return (await self._session.scalars(query)).one()

    async def _one(self, query: Select[Any]) -> Conversation:
        found: Conversation | None = await self._session.scalar(query)
        if found is None:
            raise ConversationNotFound("There is no such conversation.")
        return found

    async def _all(self, query: Executable) -> Sequence[Any]:
        return (await self._session.scalars(query)).all()


def _owned(conversation_id: str, owner: str | None) -> Select[Conversation]:
    # What cannot be an id is not asked for: the databases disagree on NUL and half characters.
    if not _ID.fullmatch(conversation_id):
        raise ConversationNotFound("There is no such conversation.")
    query = select(Conversation).where(Conversation.id == conversation_id)
    return query if owner is None else query.where(Conversation.owner == owner)
