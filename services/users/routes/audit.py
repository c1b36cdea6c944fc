"""The audit log, for those who look whether everybody did what they may."""

from typing import Annotated

from fastapi import Depends, Query, Response

from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import may
from libs.common.web.responses import Page, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.users.domain.auditing import note_reading, visible_to
from services.users.repository.audit import AuditFilters, AuditRepository
from services.users.schemas.audit import AuditQuery, AuditRead

routes = router(prefix="/api/v1", tag="audit")

Auditor = Annotated[Principal, Depends(may(Permission.AUDIT_READ, limit="list"))]


@routes.get("/audit", response_model=Success[Page[AuditRead]])
async def list_audit(query: Annotated[AuditQuery, Query()], caller: Auditor, uow: Uow) -> Response:
    """Who did what to what, newest first. That it was read stands in it as well.

    Acts on restricted cases are there for those alone who may know of such cases.
    """
    filters = AuditFilters(**query.model_dump(exclude={"limit", "cursor"}))
    if query.cursor is None:
        async with uow.begin() as tx:
            note_reading(tx, caller, filters)
    async with uow.read() as tx:
        found = await AuditRepository(tx.session).page(
            filters, restricted=visible_to(caller), after=query.cursor, limit=query.limit
        )
    items = [AuditRead.model_validate(row) for row in found[: query.limit]]
    cursor = items[-1].event_id if len(found) > query.limit else None
    return answer(Success(data=Page(items=items, next_cursor=cursor)))
