"""The life of a file after the door: its working copy, its verdict, its case."""

from collections.abc import Collection
from http import HTTPStatus

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from libs.common.errors import AppError, Conflict
from services.files.clients.store import Arrival, Store
from services.files.domain import naming
from services.files.domain.storing import announce
from services.files.domain.verdict import Content
from services.files.models import FileAttachment, Status
from services.files.repository import FileRepository

READY = "ready"
FOLDER = "working"


class LateAttempt(Conflict):
    """A later attempt has already written; this one was given up."""

    code = "LATE_ATTEMPT"


class FileNotReady(Conflict):
    """The file is still being looked into; ask again in a moment."""

    code = "FILE_NOT_READY"


class FileRejectedError(AppError):
    """The bytes were not what they claimed to be; they are gone."""

    status = HTTPStatus.GONE
    code = "FILE_REJECTED"


async def put_copy(
    tx: Transaction, store: Store, file_id: str, arrival: Arrival, content: Content, *, attempt: int
) -> None:
    """Store the working copy of an attempt. Raises LateAttempt for one that was overtaken."""
    file = await FileRepository(tx.session).get(file_id, for_update=True)
    if attempt < file.attempt or file.status == Status.REJECTED:
        raise LateAttempt("A later attempt has written already.", attempt=file.attempt)
    at = naming.place(FOLDER, file.grievance_id, file_id, content.extension)
    file.attempt = attempt
    file.working_path = at
    file.working_type = content.mime_type
    file.updated_at = utc_now()
    await tx.session.flush()
    await store.place(arrival, at)


async def settle(tx: Transaction, store: Store, file_id: str, *, outcome: str) -> None:
    """What looking into a file came to: it is ready, or it is refused and its bytes are gone."""
    file = await FileRepository(tx.session).find(file_id, for_update=True)
    if file is None or file.status != Status.RECEIVED:
        return
    file.updated_at = utc_now()
    if outcome == READY and file.working_path:
        file.status = Status.READY
    else:
        file.status = Status.REJECTED
        file.reason = outcome
        # Done twice it is done once, so it need not wait for the commit.
        await store.remove(file.file_path, file.working_path)
    await announce(tx, file)


async def attach(
    tx: Transaction, grievance_id: str, file_ids: Collection[str], *, filed_by: str
) -> None:
    """A case was filed: its files are known by it from now on, and say again where they stand."""
    repository = FileRepository(tx.session)
    case = await repository.claim_case(grievance_id)
    case.restricted = tx.is_restricted
    await tx.session.flush()
    owners = {filed_by, await tx.vault.who_is(filed_by)}
    for file in await repository.of_case(grievance_id, file_ids):
        if file.grievance_id != grievance_id:
            if file.owner not in owners or await repository.case(file.grievance_id):
                continue
            file.grievance_id = grievance_id
            file.updated_at = utc_now()
        await announce(tx, file)


def servable(file: FileAttachment) -> tuple[str, str]:
    """Where the copy people may see lies, and what it is. Raises FileNotReady or a refusal."""
    if file.status == Status.REJECTED:
        raise FileRejectedError("The file was refused.", reason=file.reason)
    if file.status != Status.READY or not file.working_path or not file.working_type:
        raise FileNotReady("The file is being looked into. Ask again in a moment.")
    return file.working_path, file.working_type
