"""The sources' own paths, with their literal bodies (S0-19, S0-20, S1-03, S1-07). Deprecated."""

from functools import partial

from fastapi import Request, Response
from pydantic import BaseModel

from libs.common.web.responses import Success, deprecated
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.files.domain.storing import Kept
from services.files.routes import serving, uploading
from services.files.routes.deps import (
    Bytes,
    BytesReader,
    Cases,
    FileReader,
    SeedUploader,
    Uploader,
)
from services.files.schemas import FileRead, FileReceipt, SeedReceipt, public_path

routes = router(tag="seed")

_deprecated = partial(deprecated, successor="/api/v1/files")


@routes.post(
    "/api/files",
    status_code=201,
    response_model=Success[FileReceipt],
    deprecated=True,
    openapi_extra=uploading.BODY,
)
async def upload_seed_file(
    request: Request, caller: Uploader, store: Bytes, cases: Cases
) -> Response:
    """Send a file the way seed 0 spells it: JSON with base64."""
    return _deprecated(await uploading.upload_file(request, caller, store, cases))


@routes.get("/api/files/{file_id}", response_model=Success[FileRead], deprecated=True)
async def read_seed_file(file_id: str, caller: FileReader, uow: Uow, cases: Cases) -> Response:
    """What is known of a file."""
    return _deprecated(await serving.read_file(file_id, caller, uow, cases))


@routes.post(
    "/upload",
    status_code=201,
    response_model=SeedReceipt,
    deprecated=True,
    openapi_extra=uploading.BODY,
)
async def upload_form(
    request: Request, caller: SeedUploader, store: Bytes, cases: Cases
) -> Response:
    """Send a form the way seed 1 spells it; the answer is its bare object."""
    return _deprecated(await uploading.take(request, caller, store, cases, shape=_bare))


@routes.get("/files/{path:path}", response_class=Response, deprecated=True)
async def read_path(
    path: str, request: Request, caller: BytesReader, uow: Uow, cases: Cases, store: Bytes
) -> Response:
    """The bytes of a file by the path it was given. Only the id in its last part counts."""
    last = path.rpartition("/")[2]
    file_id = last.rpartition(".")[0] or last
    return _deprecated(await serving.content(file_id, request.headers, caller, uow, cases, store))


def _bare(kept: Kept, grievance_id: str | None) -> BaseModel:
    return SeedReceipt(
        file_id=kept.file_id,
        file_path=public_path(grievance_id, kept.file_id, kept.file_path),
        file_type=kept.file_type,
    )
