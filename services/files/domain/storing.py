"""Keeping a file: its bytes are in their place before its row says so."""

from dataclasses import dataclass, replace

from libs.common import auditing
from libs.common.clock import utc_now
from libs.common.contracts.files import FileDeleted, FileReady, FileReceived, FileRejected
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict
from libs.common.events import Event
from libs.common.principal import Principal
from services.files.clients.store import Arrival, Store
from services.files.domain import naming
from services.files.domain.verdict import Content
from services.files.models import Act, FileAttachment, FileType, KnownCase, Status
from services.files.repository import FileNotFound, FileRepository

FOLDERS = {
    FileType.IMAGE: "images",
    FileType.DOCUMENT: "documents",
    FileType.VOICE: "voice_recordings",
}
NAME = "file_attachments.file_name"


class FileExists(Conflict):
    """The id is taken, by a file with other bytes or of somebody else; whose, is not said."""

    code = "FILE_EXISTS"


class FileAttached(Conflict):
    """The file is part of a case: it is no longer its owner's to delete."""

    code = "FILE_ATTACHED"


@dataclass(frozen=True, slots=True)
class Upload:
    """What somebody wants kept."""

    file_id: str
    file_type: FileType
    owner: str
    grievance_id: str | None = None
    file_name: str | None = None
    is_restricted: bool | None = None
    """Whether the case is, where grievance said so; nothing of one that is being filed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is there now; `is_new` unless the very same was there before."""

    file_id: str
    file_type: str
    file_path: str
    status: str
    is_new: bool


async def keep(
    tx: Transaction, store: Store, upload: Upload, arrival: Arrival, content: Content
) -> Kept:
    """Keep the bytes of `arrival`; the same id with the same bytes is the same file.

    The row claims the id first, so whoever else brings it waits; then the bytes take their place,
    and only then can the row be seen. What a crash leaves without a row is swept.
    """
    upload = replace(upload, owner=await tx.vault.writer(upload.owner))
    repository = FileRepository(tx.session)
    if upload.grievance_id is not None:
        case = await repository.claim_case(upload.grievance_id)
        if case.restricted is None:
            case.restricted = upload.is_restricted
    at = naming.place(
        FOLDERS[upload.file_type], upload.grievance_id, upload.file_id, content.extension
    )
    now = utc_now()
    row = {
        "file_id": upload.file_id,
        "grievance_id": upload.grievance_id,
        "owner": upload.owner,
        "file_type": upload.file_type,
        "file_path": at,
        "file_size": arrival.size,
        "mime_type": content.mime_type,
        "sha256": arrival.sha256,
        "status": Status.RECEIVED,
        "attempt": 0,
        "created_at": now,
        "updated_at": now,
    }
    if not await repository.add(row):
        return await _again(tx, upload, arrival)
    await store.place(arrival, at)
    file = await repository.get(upload.file_id)
    if upload.file_name:
        key = tx.vault.create(file.subject)
        file.file_name = key.seal(NAME, upload.file_id, upload.file_name)
    await announce(tx, file)
    return Kept(upload.file_id, upload.file_type, at, Status.RECEIVED, is_new=True)


async def _again(tx: Transaction, upload: Upload, arrival: Arrival) -> Kept:
    """The file with this id, when it is this one. Raises FileExists.

    Filing again after a crash brings the same bytes under another case: one that nobody ever
    filed gives way.
    """
    repository = FileRepository(tx.session)
    found = await repository.get(upload.file_id, for_update=True)
    is_same = (found.owner, found.sha256) == (upload.owner, arrival.sha256)
    if is_same and upload.grievance_id not in {None, found.grievance_id}:
        is_same = await repository.case(found.grievance_id) is None
        found.grievance_id = upload.grievance_id
    if not is_same:
        raise FileExists("There is a file with this id.")
    return Kept(found.file_id, found.file_type, found.file_path, found.status, is_new=False)


async def announce(tx: Transaction, file: FileAttachment) -> None:
    """Say where a file stands. It names its case only once that case was heard of."""
    known = await FileRepository(tx.session).case(file.grievance_id)
    tx.publish(_fact(file, known), restricted=bool(known and known.restricted))


def _fact(file: FileAttachment, known: KnownCase | None) -> Event:
    grievance_id = known.grievance_id if known else None
    match Status(file.status):
        case Status.RECEIVED:
            return FileReceived(
                file_id=file.file_id, grievance_id=grievance_id, file_type=file.file_type
            )
        case Status.READY:
            return FileReady(file_id=file.file_id, grievance_id=grievance_id)
        case Status.REJECTED:
            return FileRejected(
                file_id=file.file_id, grievance_id=grievance_id, reason=file.reason or "UNKNOWN"
            )


async def delete(tx: Transaction, file_id: str, *, by: Principal) -> tuple[str | None, ...]:
    """Forget a file its owner no longer wants; answer where its bytes lie.

    Raises FileNotFound or FileAttached.
    """
    file = await FileRepository(tx.session).get(file_id, for_update=True)
    if file.owner != by.id:
        raise FileNotFound("There is no such file.")
    if file.grievance_id is not None:
        raise FileAttached("The file is part of a case.")
    if by.is_staff:
        auditing.record(tx, Act.DELETED, by=by, target=f"file:{file_id}")
    return await forget(tx, file)


async def note_reading(tx: Transaction, file: FileAttachment, *, by: Principal) -> None:
    """Write down that staff read the bytes of somebody's file.

    A case nobody has told us of yet may be one to be kept apart, and is taken for one.
    """
    known = await FileRepository(tx.session).case(file.grievance_id)
    restricted = known is None or bool(known.restricted)
    target, case = f"file:{file.file_id}", file.grievance_id
    auditing.record(tx, Act.READ, by=by, target=target, restricted=restricted, grievance_id=case)


async def forget(tx: Transaction, file: FileAttachment) -> tuple[str | None, ...]:
    """Remove a row and say so; answer where the bytes lie, which go when this is committed."""
    places = (file.file_path, file.working_path)
    await FileRepository(tx.session).remove(file)
    tx.publish(FileDeleted(file_id=file.file_id))
    return places
