"""What tasks hears: what starts work."""

from libs.common.bus.protocol import Bus
from libs.common.clock import utc_now
from libs.common.contracts.files import FileReceived
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.users import UserLinked
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from services.tasks.domain.classifying import (
    CaseArguments,
    case_subject,
    classify_and_summarize_grievance,
)
from services.tasks.domain.lanes import declare_lane
from services.tasks.domain.ledger import enqueue
from services.tasks.domain.processing import FileArguments, process_file
from services.tasks.models import FileProcessing, Lane, State
from services.tasks.repository import TaskRepository

IMAGE = "image"


class LanesFirst(Consumer):
    """A consumer whose lanes exist before it hears of anything that fills them."""

    async def declare(self, bus: Bus) -> None:
        """Make the queues of the lanes exist, worked here or elsewhere, and then this one."""
        for lane in Lane:
            await declare_lane(bus, lane)
        await super().declare(bus)


def hears() -> Consumer:
    """The consumer of this service."""
    consumer = LanesFirst("tasks")
    consumer.on(GrievanceSubmitted)(read_grievance)
    consumer.on(FileReceived)(look_into_file)
    consumer.on(UserLinked)(link_person)
    return consumer


async def read_grievance(event: GrievanceSubmitted, tx: Transaction) -> None:
    """A case was filed: have it read, once."""
    arguments = CaseArguments(grievance_id=event.grievance_id)
    await enqueue(
        tx,
        classify_and_summarize_grievance,
        arguments,
        subject=event.grievance_id,
        owner="grievance",
    )


async def look_into_file(event: FileReceived, tx: Transaction) -> None:
    """A file came in: have it looked into, once.

    It is told of again when its case was filed; what a restricted case brings is restricted then.
    """
    if event.file_type != IMAGE:
        return
    arguments = FileArguments(file_id=event.file_id)
    task_id = await enqueue(tx, process_file, arguments, subject=event.file_id, owner="files")
    if task_id is None:
        task = await TaskRepository(tx.session).of_subject(process_file.name, event.file_id)
        if task is not None and tx.is_restricted:
            task.restricted = True
        return
    now = utc_now()
    tx.insert(
        FileProcessing,
        file_id=event.file_id,
        task_id=task_id,
        file_type=event.file_type,
        status=State.PENDING,
        created_at=now,
        updated_at=now,
    )


async def link_person(event: UserLinked, tx: Transaction) -> None:
    """The vault knows who filed a case: erasing them erases what was read of it."""
    subject = case_subject(CaseArguments(grievance_id=event.grievance_id))
    if await tx.vault.surviving_keys([subject]):
        await tx.vault.belongs_to(subject, event.user_id)
    else:
        tx.vault.create(subject, user_id=event.user_id)
