"""Conversations: one's own, and ending them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Response

from libs.common.db.paging import Cursor
from libs.common.web.responses import Page, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.chat.domain import conversing
from services.chat.models import CaseLink, Conversation
from services.chat.repository import ChatRepository
from services.chat.routes.deps import ChatLister, Closer, ConversationId
from services.chat.schemas import CaseRead, ConversationRead, ConversationsQuery

routes = router(prefix="/api/v1/chat/conversations", tag="chat")


@routes.get("", response_model=Success[Page[ConversationRead]])
async def list_conversations(
    query: Annotated[ConversationsQuery, Query()], caller: ChatLister, uow: Uow
) -> Response:
    """Your conversations, newest first, with the cases filed in them."""
    after = Cursor.parse(query.cursor) if query.cursor else None
    async with uow.read() as tx:
        repository = ChatRepository(tx.session)
        rows = await repository.page(caller.id, after=after, limit=query.limit)
        shown = rows[: query.limit]
        cases = await repository.cases(*(row.id for row in shown))
    items = [_read(row, cases) for row in shown]
    more = len(rows) > query.limit
    cursor = str(Cursor(shown[-1].started_at, shown[-1].id)) if more else None
    return answer(Success(data=Page(items=items, next_cursor=cursor)))


@routes.post("/{conversation_id}/close", response_model=Success[ConversationRead])
async def close_conversation(conversation_id: ConversationId, caller: Closer, uow: Uow) -> Response:
    """End a conversation. You cannot write in it any more; news of its cases still arrives."""
    async with uow.begin() as tx:
        closed = await conversing.close(tx, conversation_id, by=caller)
        cases = await ChatRepository(tx.session).cases(conversation_id)
        return answer(Success(data=_read(closed, cases)), tx=tx)


def _read(conversation: Conversation, cases: Sequence[CaseLink]) -> ConversationRead:
    return ConversationRead(
        conversation_id=conversation.id,
        channel=conversation.channel,
        status=conversation.status,
        locale=conversation.locale,
        started_at=conversation.started_at,
        ended_at=conversation.ended_at,
        grievances=[
            CaseRead.model_validate(case)
            for case in cases
            if case.conversation_id == conversation.id
        ],
    )
