"""Messages: saying something, and reading what was said."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel

from libs.common.errors import Conflict
from libs.common.principal import Principal
from libs.common.web.responses import Page, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import RequestUnit, Uow
from services.chat.domain import keeping
from services.chat.domain.accepting import tell_accepted
from services.chat.domain.conversing import Exchange, FilingToSend, Incoming, receive
from services.chat.domain.hearing import listen
from services.chat.domain.thread import Spoken, opened
from services.chat.domain.turn import AcceptNow
from services.chat.repository import ChatRepository
from services.chat.routes.deps import AtDesk, ChatReader, ConversationId, Desk, MessageId, Talker
from services.chat.schemas import (
    ContextRead,
    ExchangeRead,
    MessageCreate,
    MessageIn,
    MessageRead,
    MessagesQuery,
    MetadataRead,
)

routes = router(prefix="/api/v1/chat", tag="chat")
TRIES = 2

Shape = Callable[[Exchange], BaseModel]


@routes.post("/messages", status_code=201, response_model=Success[ExchangeRead])
async def send_message(body: MessageCreate, caller: Talker, uow: Uow, desk: AtDesk) -> Response:
    """Say something; without `conversation_id` this opens a conversation.

    Give each message a `client_message_id` and repeat it as often as the line drops: it is the
    same message, and 200 brings the replies it got. A button is pressed by sending its payload.
    """
    return await talk(body, caller, uow, desk, conversation_id=body.conversation_id)


@routes.post(
    "/conversations/{conversation_id}/messages",
    status_code=201,
    response_model=Success[ExchangeRead],
)
async def send_message_to(
    conversation_id: ConversationId, body: MessageIn, caller: Talker, uow: Uow, desk: AtDesk
) -> Response:
    """Say something in a conversation of yours. 409 once it is closed."""
    return await talk(body, caller, uow, desk, conversation_id=conversation_id)


@routes.get("/conversations/{conversation_id}/messages", response_model=Success[Page[MessageRead]])
async def list_messages(
    conversation_id: ConversationId,
    query: Annotated[MessagesQuery, Query()],
    caller: ChatReader,
    uow: Uow,
) -> Response:
    """What was said, oldest first.

    `next_cursor` is always there: send it back as `after` to get what came since, also when
    nothing had. Polling this way never misses a message; tell known ones by their `id`.
    """
    after = int(query.after or 0)
    said, last = await spoken_after(conversation_id, caller, uow, after=after, limit=query.limit)
    items = [message_read(each) for each in said]
    return answer(Success(data=Page(items=items, next_cursor=str(last))))


@routes.get(
    "/conversations/{conversation_id}/messages/{message_id}",
    response_model=Success[MessageRead],
)
async def read_message(
    conversation_id: ConversationId, message_id: MessageId, caller: ChatReader, uow: Uow
) -> Response:
    """One message. Messages never change."""
    async with uow.read() as tx:
        repository = ChatRepository(tx.session)
        conversation = await repository.owned(conversation_id, owner=caller.id)
        message = await repository.message(conversation_id, message_id)
        found = opened(await tx.vault.key(conversation.subject), message)
    return answer(Success(data=message_read(found)))


async def spoken_after(
    conversation_id: str, caller: Principal, uow: RequestUnit, *, after: int, limit: int
) -> tuple[list[Spoken], int]:
    """What was said beyond number `after`, and the number of the last of it."""
    async with uow.read() as tx:
        repository = ChatRepository(tx.session)
        conversation = await repository.owned(conversation_id, owner=caller.id)
        key = await tx.vault.key(conversation.subject)
        rows = await repository.messages(conversation_id, after=after, limit=limit)
        said = [opened(key, row) for row in rows]
    return said, rows[-1].seq if rows else after


async def talk(
    body: MessageIn,
    caller: Principal,
    uow: RequestUnit,
    desk: Desk,
    *,
    conversation_id: str | None,
    shape: Shape | None = None,
) -> Response:
    """Take a message in, run its errand if it has one, and answer.

    The message and what it confirms are committed before grievance is asked: whatever happens to
    this request afterwards, the round sends what was kept.
    """
    shape = shape or _exchange_read
    incoming = Incoming(
        heard=await listen(body.text),
        files=tuple(dict.fromkeys(body.attachments)),
        named=body.client_message_id or (f"key:{uow.key}" if uow.key else None),
        locale=body.locale,
    )
    exchange, response = await _received(incoming, caller, uow, desk, conversation_id, shape)
    errand, conversation_id, message_id = (
        exchange.errand,
        exchange.conversation_id,
        exchange.message.id,
    )
    match errand:
        case None:
            return response
        case FilingToSend():
            filed = await desk.grievance.file(errand.complaint, key=errand.filing_id)
            async with uow.begin() as tx:
                exchange.state, exchange.replies = await keeping.settle(
                    tx,
                    errand.filing_id,
                    filed,
                    conversation_id=conversation_id,
                    retry_seconds=desk.settings.retry_seconds,
                )
                return answer(shape(exchange), tx=tx, status=201)
        case AcceptNow():
            accepted = await desk.grievance.accept(
                errand.grievance_id, by=caller.id, key=message_id
            )
            async with uow.begin() as tx:
                exchange.state, exchange.replies = await tell_accepted(
                    tx,
                    errand.grievance_id,
                    accepted,
                    conversation_id=conversation_id,
                    message_id=message_id,
                )
                return answer(shape(exchange), tx=tx, status=201)


async def _received(
    incoming: Incoming,
    caller: Principal,
    uow: RequestUnit,
    desk: Desk,
    conversation_id: str | None,
    shape: Shape,
) -> tuple[Exchange, Response]:
    faqs = await desk.shelf.book()
    for attempt in range(TRIES):
        try:
            async with uow.begin() as tx:
                exchange = await receive(
                    tx,
                    incoming,
                    by=caller.id,
                    conversation_id=conversation_id,
                    locale=desk.settings.locale,
                    faqs=faqs,
                )
                kept = None if exchange.errand else tx
                status = 200 if exchange.is_repeat else 201
                return exchange, answer(shape(exchange), tx=kept, status=status)
        except Conflict as clash:
            # The same first message came twice at once: the other one opened the conversation.
            if type(clash) is not Conflict or attempt == TRIES - 1:
                raise
    raise AssertionError  # pragma: no cover - the loop returns or raises


def _exchange_read(exchange: Exchange) -> BaseModel:
    state, meta = exchange.state, exchange.message.meta
    data = ExchangeRead(
        conversation_id=exchange.conversation_id,
        message=message_read(exchange.message),
        replies=[message_read(each) for each in exchange.replies],
        metadata=MetadataRead(
            intent=meta["intent"],
            confidence=meta["confidence"],
            source=meta["source"],
            language=meta["language"],
        ),
        context=ContextRead(
            form="grievance" if state.slot else None,
            slot=state.slot,
            grievance_id=state.grievance_id,
        ),
    )
    return Success(data=data)


def message_read(spoken: Spoken) -> MessageRead:
    """A message as clients see it."""
    return MessageRead.model_validate(spoken)
