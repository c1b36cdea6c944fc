"""What tasks hears: what starts work."""

from libs.common.bus.protocol import Bus
from libs.common.clock import utc_now
from libs.common.contracts.files import FileReceived
from libs.common.contracts.grievance import GrievanceErased, GrievanceSubmitted
from libs.common.contracts.users import ExportRequested, OtpRequested, UserLinked
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from libs.common.messaging.people import hear_of_people
from services.tasks.domain.classifying import (
    CaseArguments,
    case_subject,
    classify_and_summarize_grievance,
)
from services.tasks.domain.exporting import ExportArguments, export_person
from services.tasks.domain.lanes import declare_lane
from services.tasks.domain.ledger import enqueue
from services.tasks.domain.processing import FileArguments, process_file
from services.tasks.domain.sending import OtpArguments, send_otp
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
    consumer.on(OtpRequested)(send_code)
    consumer.on(ExportRequested)(put_export_together)
    consumer.on(GrievanceErased)(erase_case)
    hear_of_people(consumer)
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


async def put_export_together(event: ExportRequested, tx: Transaction) -> None:
    """Somebody wants everything that is held on them: have it put together, once."""
    arguments = ExportArguments(export_id=event.export_id, user_id=event.user_id)
    await enqueue(tx, export_person, arguments, subject=event.export_id, owner="users")


async def send_code(event: OtpRequested, tx: Transaction) -> None:
    """Somebody proves who they are: have their code sent, once."""
    arguments = OtpArguments(challenge_id=event.challenge_id)
    await enqueue(tx, send_otp, arguments, subject=event.challenge_id, owner="users")


async def link_person(event: UserLinked, tx: Transaction) -> None:
    """The vault knows who filed a case: erasing them erases what was read of it."""
    subject = case_subject(CaseArguments(grievance_id=event.grievance_id))
    user_id = await tx.vault.survivor(event.user_id)
    if await tx.vault.belongs_to(subject, user_id):
        await tx.vault.key_or_new(subject, user_id=user_id)


async def erase_case(event: GrievanceErased, tx: Transaction) -> None:
    """A case is nobody's now: what was read of it is gone, and what is being read is not kept."""
    await tx.vault.destroy(case_subject(CaseArguments(grievance_id=event.grievance_id)))
