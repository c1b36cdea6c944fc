"""What chat hears: the news of its own cases and files."""

from libs.common.clock import utc_now
from libs.common.contracts.files import FileRejected
from libs.common.contracts.grievance import (
    GrievanceClassified,
    GrievanceErased,
    GrievanceStatusChanged,
    GrievanceSubmitted,
)
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from libs.common.messaging.people import hear_of_people
from services.chat.domain import erasing, linking
from services.chat.models import conversation_subject
from services.chat.repository import ChatRepository


def hears() -> Consumer:
    """The consumer of this service."""
    consumer = Consumer("chat")
    consumer.on(GrievanceSubmitted, when=_is_from_chat)(remember_case)
    consumer.on(GrievanceStatusChanged)(tell_status)
    consumer.on(GrievanceClassified)(tell_classification)
    consumer.on(FileRejected)(tell_rejected_file)
    consumer.on(GrievanceErased)(erase_case)
    hear_of_people(consumer, hand_over=hand_over, erase=erasing.erase_person)
    return consumer


def _is_from_chat(event: GrievanceSubmitted) -> bool:
    return event.conversation_id is not None


async def remember_case(event: GrievanceSubmitted, tx: Transaction) -> None:
    """A case was filed from a conversation: its news belongs there."""
    await linking.note_filed(
        tx,
        event.grievance_id,
        conversation_id=event.conversation_id or "",
        at=tx.happened_at or utc_now(),
    )


async def tell_status(event: GrievanceStatusChanged, tx: Transaction) -> None:
    """A case of a conversation has moved: say so there."""
    await linking.tell_status(
        tx,
        event.grievance_id,
        from_status=event.from_status,
        to_status=event.to_status,
        at=tx.happened_at or utc_now(),
    )


async def tell_classification(event: GrievanceClassified, tx: Transaction) -> None:
    """A case was read by the engine: say how it was understood."""
    await linking.tell_classification(
        tx,
        event.grievance_id,
        categories=event.categories,
        classification_status=event.classification_status,
    )


async def tell_rejected_file(event: FileRejected, tx: Transaction) -> None:
    """A photo could not be used: say so where it was sent."""
    await linking.tell_rejected_file(tx, event.file_id)


async def erase_case(event: GrievanceErased, tx: Transaction) -> None:
    """A case is nobody's now: nor is the conversation it was filed in."""
    await erasing.erase_case(tx, event.grievance_id, event.conversation_id)


async def hand_over(tx: Transaction, was: str, user_id: int) -> list[str]:
    """What the one that is this person now has said, this person said; talks go on as they are."""
    talks = await ChatRepository(tx.session).hand_over(was, to=f"user:{user_id}")
    return [conversation_subject(each) for each in talks]
