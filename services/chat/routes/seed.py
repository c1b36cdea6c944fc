"""The sources' own paths (S2-06, S2-09, S2-22). Deprecated aliases of /api/v1/chat."""

from functools import partial
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel

from libs.common.web.auth import Anyone
from libs.common.web.responses import Page, Success, answer, deprecated
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.chat.domain.conversing import Exchange
from services.chat.domain.turn import Source
from services.chat.routes import conversations, messages, setup
from services.chat.routes.deps import (
    AtDesk,
    ChatLister,
    ChatReader,
    ConversationId,
    MessageId,
    Talker,
)
from services.chat.schemas import (
    ConfigRead,
    ConversationRead,
    ConversationsQuery,
    ExchangeRead,
    FaqRead,
    MessageIn,
    MessageRead,
    SeedMessageCreate,
    SeedMessageRead,
    SeedMessagesQuery,
)

routes = router(prefix="/api/chatbot", tag="seed")

_deprecated = partial(deprecated, successor="/api/v1/chat")


@routes.get("/conversations", response_model=Success[Page[ConversationRead]], deprecated=True)
async def list_seed_conversations(
    query: Annotated[ConversationsQuery, Query()], caller: ChatLister, uow: Uow
) -> Response:
    """Your conversations, newest first."""
    return _deprecated(await conversations.list_conversations(query, caller, uow))


@routes.get(
    "/conversations/{conversation_id}/messages",
    response_model=Success[Page[MessageRead]],
    deprecated=True,
)
async def list_seed_messages(
    conversation_id: ConversationId,
    query: Annotated[SeedMessagesQuery, Query()],
    caller: ChatReader,
    uow: Uow,
) -> Response:
    """What was said, oldest first. Messages are numbered without gaps: the offset is a number."""
    said, last = await messages.spoken_after(
        conversation_id, caller, uow, after=query.offset, limit=query.limit
    )
    items = [messages.message_read(each) for each in said]
    return _deprecated(answer(Success(data=Page(items=items, next_cursor=str(last)))))


@routes.post(
    "/conversations/{conversation_id}/messages",
    status_code=201,
    response_model=Success[ExchangeRead],
    deprecated=True,
)
async def send_seed_message_to(
    conversation_id: ConversationId, body: MessageIn, caller: Talker, uow: Uow, desk: AtDesk
) -> Response:
    """Say something in a conversation of yours."""
    return _deprecated(
        await messages.talk(body, caller, uow, desk, conversation_id=conversation_id)
    )


@routes.get(
    "/conversations/{conversation_id}/messages/{message_id}",
    response_model=Success[MessageRead],
    deprecated=True,
)
async def read_seed_message(
    conversation_id: ConversationId, message_id: MessageId, caller: ChatReader, uow: Uow
) -> Response:
    """One message."""
    return _deprecated(await messages.read_message(conversation_id, message_id, caller, uow))


@routes.post("/messages", status_code=201, response_model=Success[SeedMessageRead], deprecated=True)
async def send_seed_message(
    body: SeedMessageCreate, caller: Talker, uow: Uow, desk: AtDesk
) -> Response:
    """Say something, and get the bot's answer the way the sources spell it."""
    said = MessageIn(text=body.text)
    reply = await messages.talk(
        said, caller, uow, desk, conversation_id=body.conversation_id, shape=_seed_read
    )
    return _deprecated(reply)


@routes.get("/config", response_model=Success[ConfigRead], deprecated=True)
async def read_seed_config(caller: Anyone, uow: Uow) -> Response:
    """How often to poll."""
    return _deprecated(await setup.read_config(caller, uow))


@routes.get("/faqs", response_model=Success[list[FaqRead]], deprecated=True)
async def list_seed_faqs(caller: Anyone, uow: Uow) -> Response:
    """The questions people often ask."""
    return _deprecated(await setup.list_faqs(caller, uow))


def _seed_read(exchange: Exchange) -> BaseModel:
    shown = exchange.replies[-1] if exchange.replies else exchange.message
    data = SeedMessageRead(
        id=shown.id,
        conversation_id=exchange.conversation_id,
        sender=shown.sender,
        text=shown.text,
        timestamp=shown.created_at,
        faq_matched=exchange.message.meta["source"] == Source.FAQ,
        feedback=None,
    )
    return Success(data=data)
