"""Reading a file: what is known of it, and its bytes."""

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from libs.common.crypto.sealing import CannotOpen
from libs.common.db.uow import Transaction
from libs.common.principal import Principal
from libs.common.web.ranges import Part, RangeNotSatisfiable
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.units import RequestUnit, Uow
from services.files.clients.grievance import CaseNotFound, GrievanceClient
from services.files.clients.store import Store, pieces
from services.files.domain import naming
from services.files.domain.storing import NAME, delete, note_reading
from services.files.domain.working import FileNotReady, servable
from services.files.models import FileAttachment
from services.files.repository import FileNotFound, FileRepository
from services.files.routes.deps import Bytes, BytesReader, Cases, FileDeleter, FileReader
from services.files.schemas import FileDeletedRead, FileRead

routes = router(prefix="/api/v1/files", tag="files")

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Cache-Control": "private, no-store",
}
"""No browser ever takes what a citizen sent for a page of ours."""


@routes.get("/{file_id}", response_model=Success[FileRead])
async def read_file(file_id: str, caller: FileReader, uow: Uow, cases: Cases) -> Response:
    """What is known of a file of yours, or of a case you may see.

    It is `received`, `ready`, or `rejected` with the reason.
    """
    file, name = await visible(file_id, caller, uow, cases)
    return answer(Success(data=FileRead.of(file, name)))


@routes.get("/{file_id}/content", response_class=Response)
async def read_content(
    file_id: str, request: Request, caller: BytesReader, uow: Uow, cases: Cases, store: Bytes
) -> Response:
    """The photo as it may be shown: resized, without what the camera wrote into it.

    409 FILE_NOT_READY until it was looked into, 410 FILE_REJECTED if it was refused. One byte
    range may be asked for.
    """
    return await content(file_id, request.headers, caller, uow, cases, store)


@routes.delete("/{file_id}", response_model=Success[FileDeletedRead])
async def delete_file(file_id: str, caller: FileDeleter, uow: Uow, store: Bytes) -> Response:
    """Take back a file of yours that is not part of a case yet."""
    check_id(file_id)
    async with uow.begin() as tx:
        places = await delete(tx, file_id, by=caller)
    await store.remove(*places)
    return answer(Success(data=FileDeletedRead(file_id=file_id)))


async def content(
    file_id: str,
    headers: Mapping[str, str],
    caller: Principal,
    uow: RequestUnit,
    cases: GrievanceClient,
    store: Store,
) -> Response:
    """The bytes of a file `caller` may see."""
    file, name = await visible(file_id, caller, uow, cases)
    at, kind = servable(file)
    if caller.is_staff and file.owner != caller.id:
        async with uow.begin() as tx:
            await note_reading(tx, file, by=caller)
    return await streamed(store, at, kind, headers, name=name or at.rpartition("/")[2])


async def visible(
    file_id: str, caller: Principal, uow: RequestUnit, cases: GrievanceClient
) -> tuple[FileAttachment, str | None]:
    """A file and its name, if `caller` owns it or may see its case. Raises FileNotFound."""
    check_id(file_id)
    async with uow.read() as tx:
        file = await FileRepository(tx.session).get(file_id)
        name = await name_of(tx, file)
    if file.owner != caller.id:
        if file.grievance_id is None:
            raise FileNotFound("There is no such file.")
        try:
            await cases.check_access(file.grievance_id)
        except CaseNotFound:
            raise FileNotFound("There is no such file.") from None
    return file, name


def check_id(file_id: str) -> None:
    """Raises FileNotFound for what cannot be the id of a file."""
    if not naming.is_file_id(file_id):
        raise FileNotFound("There is no such file.")


async def streamed(
    store: Store, at: str, kind: str, headers: Mapping[str, str], *, name: str
) -> Response:
    """The file at a place, or the part of it that was asked for."""
    file = await store.open(at)
    if file is None:
        raise FileNotReady("The file is not there at the moment. Ask again.")
    try:
        part = Part.of(headers, file.seek(0, 2))
    except RangeNotSatisfiable:
        file.close()
        raise
    more = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return StreamingResponse(
        pieces(file, start=part.start, length=part.length),
        part.status,
        SAFE | part.headers | more,
        kind,
    )


async def name_of(tx: Transaction, file: FileAttachment) -> str | None:
    """The name its owner gave a file; none once that was erased."""
    if file.file_name is None:
        return None
    key = (await tx.vault.surviving_keys([file.subject])).get(file.subject)
    try:
        return key.open(NAME, file.file_id, file.file_name) if key else None
    except CannotOpen:
        return None
