"""The sources' own paths, with their literal bodies (S0-11…15, S1-06). Deprecated aliases."""

from functools import partial
from typing import Annotated

from fastapi import Query, Response

from libs.common.web.responses import Page, Success, answer, deprecated
from libs.common.web.routing import router
from libs.common.web.units import AnyVersion, Uow
from services.grievance.routes import actions, cases, filing, opening
from services.grievance.routes.cases import GrievanceId
from services.grievance.routes.deps import (
    CaseCorrector,
    CaseLister,
    CaseMover,
    CaseReader,
    Filer,
    Files,
    Settings,
    Users,
)
from services.grievance.schemas.actions import StatusRead, StatusUpdate
from services.grievance.schemas.cases import (
    BareGrievance,
    GrievanceListQuery,
    GrievanceRead,
    GrievanceRow,
    GrievanceUpdate,
)
from services.grievance.schemas.filing import GrievanceFiled, SeedGrievance

routes = router(prefix="/api/grievances", tag="seed")
single = router(tag="seed")

_deprecated = partial(deprecated, successor="/api/v1/grievances")


@routes.post("", status_code=201, response_model=Success[GrievanceFiled], deprecated=True)
async def file_seed_grievance(
    body: SeedGrievance, caller: Filer, uow: Uow, files: Files, settings: Settings
) -> Response:
    """File a grievance the way seed 0 spells it, photos inside as base64."""
    return _deprecated(await filing.file_seed(body, caller, uow, files, settings))


@routes.get("", response_model=Success[Page[GrievanceRow]], deprecated=True)
async def list_seed_grievances(
    query: Annotated[GrievanceListQuery, Query()], caller: CaseLister, uow: Uow
) -> Response:
    """The cases you may see, newest first."""
    return _deprecated(await cases.list_grievances(query, caller, uow))


@routes.get("/{grievance_id}", response_model=Success[GrievanceRead], deprecated=True)
async def read_seed_grievance(
    grievance_id: GrievanceId, caller: CaseReader, uow: Uow, users: Users
) -> Response:
    """One case."""
    return _deprecated(await opening.show(grievance_id, caller, uow, users))


@routes.put("/{grievance_id}", response_model=Success[GrievanceRead], deprecated=True)
async def correct_seed_grievance(
    grievance_id: GrievanceId,
    body: GrievanceUpdate,
    caller: CaseCorrector,
    uow: Uow,
    users: Users,
    version: AnyVersion,
) -> Response:
    """Correct a case; without `If-Match` the newest version is corrected."""
    return _deprecated(await cases.correct(grievance_id, body, caller, uow, users, version))


@routes.get("/{grievance_id}/status", response_model=Success[StatusRead], deprecated=True)
async def read_seed_status(grievance_id: GrievanceId, caller: CaseReader, uow: Uow) -> Response:
    """Where a case stands."""
    return _deprecated(await actions.read_status(grievance_id, caller, uow))


@routes.put("/{grievance_id}/status", response_model=Success[StatusRead], deprecated=True)
async def change_seed_status(
    grievance_id: GrievanceId, body: StatusUpdate, caller: CaseMover, uow: Uow, version: AnyVersion
) -> Response:
    """Move a case to a status; without `If-Match` from the newest version."""
    return _deprecated(await actions.move_to(grievance_id, body, caller, uow, version))


@single.get("/grievance/{grievance_id}", response_model=BareGrievance, deprecated=True)
async def read_flask_grievance(
    grievance_id: GrievanceId, caller: CaseReader, uow: Uow, users: Users
) -> Response:
    """One case in the literal shape of seed 1: a bare object."""
    found = await opening.opened(grievance_id, caller, uow, users)
    bare = BareGrievance(
        grievance_id=found.grievance_id,
        status=found.status,
        description=found.description,
        summary=found.summary,
        categories=found.categories,
        files=found.files,
    )
    return _deprecated(answer(bare))
