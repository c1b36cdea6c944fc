"""What grievance hears."""

from libs.common.contracts.files import FileDeleted, FileReady, FileReceived, FileRejected
from libs.common.contracts.tasks import TaskClassified
from libs.common.contracts.users import UserLinked
from libs.common.db.uow import Transaction
from libs.common.errors import NotFound
from libs.common.messaging.consumer import Consumer
from libs.common.messaging.people import hear_of_people
from services.grievance.clients import ReadingResult, TasksClient
from services.grievance.domain import erasing, suggesting
from services.grievance.models import CaseFile, case_subject
from services.grievance.repository.cases import GrievanceNotFound, GrievanceRepository


def hears(tasks: TasksClient | None = None) -> Consumer:
    """The consumer of this service; without `tasks` it only knows its topics."""
    consumer = Consumer("grievance", tasks)
    consumer.on(TaskClassified, fetch=fetch_reading, needs=TasksClient)(adopt_reading)
    consumer.on(UserLinked)(link_person)
    for kind in (FileReceived, FileReady, FileRejected, FileDeleted):
        consumer.on(kind)(note_file)
    hear_of_people(consumer, hand_over=hand_over, erase=erasing.erase_person)
    return consumer


async def fetch_reading(event: TaskClassified, tasks: TasksClient) -> ReadingResult | None:
    """What the engine found, or None when it was erased meanwhile."""
    try:
        return await tasks.reading(event.task_id)
    except NotFound:
        return None


async def adopt_reading(
    event: TaskClassified, tx: Transaction, found: ReadingResult | None
) -> None:
    """Keep the engine's reading as a suggestion."""
    if found is None:
        return
    grievance = await GrievanceRepository(tx).get(event.grievance_id, for_update=True)
    reading = suggesting.Reading(tuple(found.categories), found.summary)
    await suggesting.adopt(tx, grievance, reading)


async def link_person(event: UserLinked, tx: Transaction) -> None:
    """The vault has taken the contact over: name the person, and forget what was sealed here."""
    repository = GrievanceRepository(tx)
    user_id = await tx.vault.survivor(event.user_id)
    grievance = await repository.get(event.grievance_id, for_update=True)
    grievance.user_id = user_id
    party = await repository.complainant(event.grievance_id)
    if party:
        party.contact = None
    if not await tx.vault.belongs_to(grievance.subject, user_id):
        await erasing.erase_case(tx, grievance)


async def hand_over(tx: Transaction, was: str, user_id: int) -> list[str]:
    """The cases of the one that is this person now are this person's."""
    cases = await GrievanceRepository(tx).hand_over(was, to=user_id)
    return [case_subject(each) for each in cases]


async def note_file(
    event: FileReceived | FileReady | FileRejected | FileDeleted, tx: Transaction
) -> None:
    """Remember what became of a file of a case; of files that have no case yet, nothing."""
    if event.grievance_id is None:
        return
    repository = GrievanceRepository(tx)
    try:
        await repository.get(event.grievance_id, for_update=True)
    except GrievanceNotFound:
        return
    file = await repository.file(event.grievance_id, event.file_id)
    if file is None:
        file = CaseFile(file_id=event.file_id, grievance_id=event.grievance_id)
        tx.session.add(file)
    file.status = event.topic.split(".")[1]
