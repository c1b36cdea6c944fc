"""What chat hears: the news of its own cases and files."""

from libs.common.clock import utc_now
from libs.common.contracts.files import FileRejected
from libs.common.contracts.grievance import (
    GrievanceClassified,
    GrievanceErased,
    GrievanceStatusChanged,
    GrievanceSubmitted,
)
from libs.common.contracts.users import GuestBound, UserErased, UserMerged
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from services.chat.domain import binding, erasing, linking
from services.chat.repository import ChatRepository


def hears() -> Consumer:
    """The consumer of this service."""
    consumer = Consumer("chat")
    consumer.on(GrievanceSubmitted, when=_is_from_chat)(remember_case)
    consumer.on(GrievanceStatusChanged)(tell_status)
    consumer.on(GrievanceClassified)(tell_classification)
    consumer.on(FileRejected)(tell_rejected_file)
    consumer.on(UserErased)(erase_person)
    consumer.on(GuestBound)(bind_guest)
    consumer.on(UserMerged)(merge_person)
    consumer.on(GrievanceErased)(erase_case)
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


async def bind_guest(event: GuestBound, tx: Transaction) -> None:
    """A guest has proved who they are: the conversations go on as that person's."""
    await binding.bind(tx, event.guest_id, event.user_id)


async def erase_person(event: UserErased, tx: Transaction) -> None:
    """Somebody was erased: what they said here is never read again."""
    await erasing.erase_person(tx, event.user_id)


async def erase_case(event: GrievanceErased, tx: Transaction) -> None:
    """A case is nobody's now: nor is the conversation it was filed in."""
    await erasing.erase_case(tx, event.grievance_id, event.conversation_id)


async def merge_person(event: UserMerged, tx: Transaction) -> None:
    """Two people were one: what the one that went said, the other said."""
    into = await tx.vault.survivor(event.into_user_id)
    is_there = await tx.vault.pass_on(event.user_id, to=into)
    await ChatRepository(tx.session).hand_over(f"user:{event.user_id}", to=f"user:{into}")
    if not is_there:
        await erasing.erase_person(tx, into)
