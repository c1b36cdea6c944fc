"""What the gateway asks before, and while, somebody watches a conversation.

One in which something protected was said is watched by nobody: nothing of it is ever pushed.
"""

from fastapi import Response

from libs.common.permissions import Permission
from libs.common.web.auth import OnBehalfOf, Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.chat.domain.thread import opened
from services.chat.models import Conversation
from services.chat.repository import ChatRepository, ConversationNotFound
from services.chat.routes.deps import ConversationId, MessageId
from services.chat.routes.messages import message_read
from services.chat.schemas import MessageRead

routes = router(prefix="/internal/watch", tag="internal")


class ConversationWatched(Schema):
    id: str


@routes.get("/{conversation_id}", response_model=Success[ConversationWatched])
async def watch_conversation(
    conversation_id: ConversationId, caller: Service, person: OnBehalfOf, uow: Uow
) -> Response:
    """The conversation, for somebody who may watch it. 404 for everybody else."""
    if person is None or not person.may(Permission.CHAT_READ):
        raise _missing()
    async with uow.read() as tx:
        found = _open(await ChatRepository(tx.session).owned(conversation_id, owner=person.id))
    return answer(Success(data=ConversationWatched(id=found.id)))


@routes.get("/{conversation_id}/messages/{message_id}", response_model=Success[MessageRead])
async def read_watched_message(
    conversation_id: ConversationId, message_id: MessageId, caller: Service, uow: Uow
) -> Response:
    """A message, for those who watch its conversation."""
    async with uow.read() as tx:
        repository = ChatRepository(tx.session)
        message = await repository.message(conversation_id, message_id)
        conversation = _open(await tx.session.get_one(Conversation, conversation_id))
        found = opened(await tx.vault.key(conversation.subject), message)
    return answer(Success(data=message_read(found)))


def _open(conversation: Conversation) -> Conversation:
    if conversation.restricted:
        raise _missing()
    return conversation


def _missing() -> ConversationNotFound:
    return ConversationNotFound("There is no such conversation.")
