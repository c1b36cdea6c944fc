"""What other services of ours ask: keep this, give me the original, take the working copy."""

from typing import Annotated

from fastapi import Header, Request, Response

from libs.common.web.auth import Service
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.files.domain import verdict
from services.files.domain.storing import Upload, keep
from services.files.domain.working import put_copy
from services.files.models import Status
from services.files.repository import FileRepository
from services.files.routes.deps import Bytes, BytesService, CopyingService
from services.files.routes.serving import check_id, streamed
from services.files.routes.uploading import received_json
from services.files.schemas import FileReceipt, InternalUpload

routes = router(prefix="/internal/files", tag="internal")
MAX_COPY_BYTES = 10 * 1024 * 1024


@routes.post("", status_code=201, response_model=Success[FileReceipt])
async def keep_file(body: InternalUpload, caller: BytesService, uow: Uow, store: Bytes) -> Response:
    """Keep a file that came inside a filing; the same id with the same bytes is the same file."""
    await uow.replay()
    async with store.arrival(limit=verdict.MAX_IMAGE_BYTES) as arrival:
        received = await received_json(body, arrival)
        await arrival.finish()
        upload = Upload(
            body.file_id,
            verdict.accepted_type(body.file_type),
            body.owner,
            body.grievance_id,
            received.file_name,
        )
        async with uow.begin() as tx:
            kept = await keep(tx, store, upload, arrival, received.content)
            data = FileReceipt(
                file_id=kept.file_id, status=Status(kept.status), file_type=kept.file_type
            )
            return answer(Success(data=data), tx=tx, status=201 if kept.is_new else 200)


@routes.get("/{file_id}/original", response_class=Response)
async def read_original(
    file_id: str, request: Request, caller: Service, uow: Uow, store: Bytes
) -> Response:
    """The bytes as they came, for whoever looks into them."""
    check_id(file_id)
    async with uow.read() as tx:
        file = await FileRepository(tx.session).get(file_id)
    return await streamed(store, file.file_path, file.mime_type, request.headers, name=file_id)


@routes.put("/{file_id}/working-copy", response_model=Success[FileReceipt])
async def put_working_copy(
    file_id: str,
    request: Request,
    caller: CopyingService,
    uow: Uow,
    store: Bytes,
    x_attempt: Annotated[int, Header(ge=1, le=2**31 - 1)],
) -> Response:
    """Store what an attempt made of a file. 409 LATE_ATTEMPT when a later one was here before."""
    check_id(file_id)
    async with store.arrival(limit=MAX_COPY_BYTES) as arrival:
        async for chunk in request.stream():
            await arrival.write(chunk)
        copied = await arrival.judged(verdict.sniffed)
        await arrival.finish()
        async with uow.begin() as tx:
            await put_copy(tx, store, file_id, arrival, copied, attempt=x_attempt)
            file = await FileRepository(tx.session).get(file_id)
            data = FileReceipt.model_validate(file)
    return answer(Success(data=data))
