"""Everything that is held on somebody, for themselves: asked for, waited for, taken away."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from libs.common.db.uow import Transaction
from libs.common.errors import TooLarge
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import MIB, may
from libs.common.web.ranges import Part
from libs.common.web.responses import Success, answer
from libs.common.web.routing import PathId, router
from libs.common.web.units import Uow
from services.users.domain import exporting, retaining
from services.users.domain.exporting import Link
from services.users.models import Export
from services.users.routes.deps import ArchivesPort, UowPort, own_user_id
from services.users.schemas.exports import URL, ArchiveKept, ExportLink, ExportRead

routes = router(tag="privacy")
ARCHIVE_SECONDS = 300.0

Exporter = Annotated[Principal, Depends(may(Permission.SELF_EXPORT, limit="export"))]
Taker = Annotated[
    Principal, Depends(may(Permission.PUBLIC, limit="export", seconds=ARCHIVE_SECONDS))
]
Deliverer = Annotated[
    Principal,
    Depends(
        may(
            Permission.INTERNAL,
            body=exporting.MAX_BYTES + MIB,
            seconds=ARCHIVE_SECONDS,
            media="application/octet-stream",
        )
    ),
]


@routes.post("/api/v1/users/me/exports", status_code=202, response_model=Success[ExportRead])
async def request_export(caller: Exporter, uow: UowPort) -> Response:
    """Have everything put together that is held on you; one at a time. Then ask for its state."""
    async with uow.begin() as tx:
        export = await exporting.begin(tx, own_user_id(caller), by=caller, anew=True)
        data = _read(tx, export)
    return answer(Success(data=data), status=202)


@routes.get("/api/v1/users/me/export", response_model=Success[ExportRead])
async def current_export(caller: Exporter, uow: UowPort) -> Response:
    """Your export that is being made or is ready; without one, one is begun."""
    async with uow.begin() as tx:
        export = await exporting.begin(tx, own_user_id(caller), by=caller, anew=False)
        data = _read(tx, export)
    return answer(Success(data=data))


@routes.get("/api/v1/users/me/exports/{export_id}", response_model=Success[ExportRead])
async def read_export(export_id: PathId, caller: Exporter, uow: Uow) -> Response:
    """How far it has come; once it is ready, with a link that is good for a quarter of an hour."""
    async with uow.read() as tx:
        export = await exporting.own(tx, export_id, user_id=own_user_id(caller))
        data = _read(tx, export)
    return answer(Success(data=data))


@routes.get("/api/v1/exports/{export_id}/download", response_class=Response)
async def download_export(
    export_id: PathId,
    given: Annotated[ExportLink, Query()],
    request: Request,
    caller: Taker,
    uow: UowPort,
    archives: ArchivesPort,
) -> Response:
    """The archive (ZIP), for whoever has the link; with `Range`, what is left of it."""
    async with uow.begin() as tx:
        export, key = await exporting.taken(tx, export_id, Link(given.expires, given.signature))
        part = Part.of(request.headers, export.size or 0)
    try:
        pieces = await archives.opened(export.stored_as or "", key, start=part.start, end=part.end)
    except FileNotFoundError:
        raise exporting.ExportNotFound("There is no such export.") from None
    headers = {
        "Content-Disposition": 'attachment; filename="everything-about-me.zip"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return StreamingResponse(pieces, part.status, headers | part.headers, "application/zip")


@routes.put("/internal/exports/{export_id}/archive", response_model=Success[ArchiveKept])
async def put_archive(
    export_id: PathId, request: Request, caller: Deliverer, uow: Uow, archives: ArchivesPort
) -> Response:
    """Take the archive in, sealed as it comes. 409 LATE_ATTEMPT unless it is waited for."""
    async with uow.read() as tx:
        await exporting.awaited(tx, export_id)
    kept = await archives.keep(request.stream(), limit=exporting.MAX_BYTES)
    if kept is None:
        raise TooLarge("The archive is too large.", limit=exporting.MAX_BYTES)
    is_delivered = False
    try:
        async with uow.begin() as tx:
            rule = (await retaining.rules(tx))[retaining.Kind.EXPORTS]
            await exporting.deliver(tx, export_id, kept, keep_days=rule.keep_days)
        is_delivered = True
    finally:
        if not is_delivered:
            await archives.remove(kept.stored_as)
    return answer(Success(data=ArchiveKept(export_id=export_id)))


def _read(tx: Transaction, export: Export) -> ExportRead:
    link = exporting.link_to(tx, export)
    return ExportRead(
        export_id=export.export_id,
        state=exporting.ExportState(export.state),
        requested_at=export.requested_at,
        ready_at=export.ready_at,
        expires_at=export.expires_at,
        size=export.size,
        sha256=export.sha256,
        download_url=URL.format(export.export_id, link.expires, link.signature) if link else None,
        download_until=link.ends_at if link else None,
    )
