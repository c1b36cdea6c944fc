"""What files hears."""

from libs.common.contracts.grievance import GrievanceErased, GrievanceSubmitted
from libs.common.contracts.tasks import TaskFileProcessed
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from libs.common.messaging.people import hear_of_people
from services.files.clients.store import Store
from services.files.domain import erasing, working
from services.files.models import file_subject
from services.files.repository import FileRepository


def hears(store: Store | None = None) -> Consumer:
    """The consumer of this service; without `store` it only knows its topics."""
    consumer = Consumer("files", store)
    consumer.on(TaskFileProcessed, needs=Store)(settle_file)
    consumer.on(GrievanceSubmitted, when=_has_files)(attach_files)
    consumer.on(GrievanceErased, needs=Store)(erase_case)
    hear_of_people(consumer, hand_over=hand_over, erase=erasing.erase_person, needs=Store)
    return consumer


def _has_files(event: GrievanceSubmitted) -> bool:
    return bool(event.file_ids)


async def settle_file(event: TaskFileProcessed, tx: Transaction, store: Store) -> None:
    """A file was looked into: serve it, or refuse it and forget its bytes."""
    await working.settle(tx, store, event.file_id, outcome=event.outcome)


async def attach_files(event: GrievanceSubmitted, tx: Transaction) -> None:
    """A case was filed: the files it names become part of it, if they are its filer's."""
    await working.attach(tx, event.grievance_id, event.file_ids, filed_by=event.filed_by)


async def erase_case(event: GrievanceErased, tx: Transaction, store: Store) -> None:
    """A case is nobody's now: its photos and voices would still say whose it was."""
    await erasing.erase_case(tx, store, event.grievance_id)


async def hand_over(tx: Transaction, was: str, user_id: int) -> list[str]:
    """What the one that is this person now has sent, this person sent."""
    sent = await FileRepository(tx.session).hand_over(was, to=f"user:{user_id}")
    return [file_subject(each) for each in sent]
