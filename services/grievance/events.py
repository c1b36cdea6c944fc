"""What grievance hears."""

from libs.common.contracts.files import FileDeleted, FileReady, FileReceived, FileRejected
from libs.common.contracts.tasks import TaskClassified
from libs.common.contracts.users import GuestBound, UserErased, UserLinked, UserMerged
from libs.common.db.uow import Transaction
from libs.common.errors import NotFound
from libs.common.messaging.consumer import Consumer
from services.grievance.clients import ReadingResult, TasksClient
from services.grievance.domain import binding, erasing, suggesting
from services.grievance.models import CaseFile
from services.grievance.repository import GrievanceNotFound, GrievanceRepository


def hears(tasks: TasksClient | None) -> Consumer:
    """The consumer of this service; without `tasks` it only knows its topics."""
    consumer = Consumer("grievance")

    async def fetch_reading(event: TaskClassified) -> ReadingResult | None:
        assert tasks is not None  # noqa: S101 - a consumer that runs was given it
        try:
            return await tasks.reading(event.task_id)
        except NotFound:
            return None

    @consumer.on(TaskClassified, fetch=fetch_reading)
    async def adopt_classification(
        event: TaskClassified, tx: Transaction, found: ReadingResult | None
    ) -> None:
        """Keep the engine's reading as a suggestion, unless it was erased meanwhile."""
        if found is None:
            return
        grievance = await GrievanceRepository(tx.session).get(event.grievance_id, for_update=True)
        reading = suggesting.Reading(tuple(found.categories), found.summary)
        await suggesting.adopt(tx, grievance, reading)

    consumer.on(UserLinked)(link_person)
    consumer.on(UserErased)(erase_person)
    consumer.on(UserMerged)(merge_person)
    consumer.on(GuestBound)(bind_guest)
    for kind in (FileReceived, FileReady, FileRejected, FileDeleted):
        consumer.on(kind)(note_file)
    return consumer


async def link_person(event: UserLinked, tx: Transaction) -> None:
    """The vault has taken the contact over: name the person, and forget what was sealed here."""
    repository = GrievanceRepository(tx.session)
    user_id = await tx.vault.survivor(event.user_id)
    grievance = await repository.get(event.grievance_id, for_update=True)
    grievance.user_id = user_id
    party = await repository.complainant(event.grievance_id)
    if party:
        party.contact = None
    if not await tx.vault.belongs_to(grievance.subject, user_id):
        await erasing.erase_case(tx, grievance)


async def merge_person(event: UserMerged, tx: Transaction) -> None:
    """Two people were one: the cases of the one that went are the other's."""
    into = await tx.vault.survivor(event.into_user_id)
    is_there = await tx.vault.pass_on(event.user_id, to=into)
    await GrievanceRepository(tx.session).merge_person(event.user_id, into=into)
    if not is_there:
        await erasing.erase_person(tx, into)


async def bind_guest(event: GuestBound, tx: Transaction) -> None:
    """A guest has proved who they are: what they filed is that person's."""
    await binding.bind(tx, event.guest_id, event.user_id)


async def erase_person(event: UserErased, tx: Transaction) -> None:
    """Somebody was erased: so is what their cases say of them."""
    await erasing.erase_person(tx, event.user_id)


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
