"""What grievance hears."""

from libs.common.contracts.files import FileDeleted, FileReady, FileReceived, FileRejected
from libs.common.contracts.tasks import TaskClassified
from libs.common.contracts.users import UserLinked
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from services.grievance.clients import ReadingResult, TasksClient
from services.grievance.domain import suggesting
from services.grievance.models import CaseFile
from services.grievance.repository import GrievanceNotFound, GrievanceRepository


def hears(tasks: TasksClient | None) -> Consumer:
    """The consumer of this service; without `tasks` it only knows its topics."""
    consumer = Consumer("grievance")

    async def fetch_reading(event: TaskClassified) -> ReadingResult:
        assert tasks is not None  # noqa: S101 - a consumer that runs was given it
        return await tasks.reading(event.task_id)

    @consumer.on(TaskClassified, fetch=fetch_reading)
    async def adopt_classification(
        event: TaskClassified, tx: Transaction, found: ReadingResult
    ) -> None:
        """Keep the engine's reading as a suggestion."""
        grievance = await GrievanceRepository(tx.session).get(event.grievance_id, for_update=True)
        reading = suggesting.Reading(tuple(found.categories), found.summary)
        await suggesting.adopt(tx, grievance, reading)

    consumer.on(UserLinked)(link_person)
    for kind in (FileReceived, FileReady, FileRejected, FileDeleted):
        consumer.on(kind)(note_file)
    return consumer


async def link_person(event: UserLinked, tx: Transaction) -> None:
    """The vault has taken the contact over: name the person, and forget what was sealed here."""
    repository = GrievanceRepository(tx.session)
    grievance = await repository.get(event.grievance_id, for_update=True)
    grievance.user_id = event.user_id
    party = await repository.complainant(event.grievance_id)
    if party:
        party.contact = None
    await tx.vault.belongs_to(grievance.subject, event.user_id)


async def note_file(
    event: FileReceived | FileReady | FileRejected | FileDeleted, tx: Transaction
) -> None:
    """Remember what became of a file of a case; of files that have no case yet, nothing."""
    if event.grievance_id is None:
        return
    repository = GrievanceRepository(tx.session)
    try:
        await repository.get(event.grievance_id, for_update=True)
    except GrievanceNotFound:
        return
    file = await repository.file(event.grievance_id, event.file_id)
    if file is None:
        file = CaseFile(file_id=event.file_id, grievance_id=event.grievance_id)
        tx.session.add(file)
    file.status = event.topic.split(".")[1]
