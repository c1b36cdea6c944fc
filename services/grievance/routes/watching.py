"""What the gateway asks before, and while, somebody watches a case.

A SEAH case is watched by nobody, whoever may read it: nothing of it is ever pushed.
"""

from fastapi import Response

from libs.common.web.auth import OnBehalfOf, Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import RequestUnit, Uow
from services.grievance.domain.handling import is_restricted
from services.grievance.domain.texts import Texts
from services.grievance.models import Grievance
from services.grievance.repository.cases import GrievanceNotFound, GrievanceRepository
from services.grievance.routes.cases import GrievanceId

routes = router(prefix="/internal/watch", tag="internal")


class CaseWatched(Schema):
    id: str


class SummaryFound(Schema):
    summary: str | None


@routes.get("/{grievance_id}", response_model=Success[CaseWatched])
async def watch_case(
    grievance_id: GrievanceId, caller: Service, person: OnBehalfOf, uow: Uow
) -> Response:
    """The case, for somebody who may watch it. 404 for everybody else."""
    if person is None:
        raise _missing()
    async with uow.read() as tx:
        found = _open(await GrievanceRepository(tx).get_for(person, grievance_id))
    return answer(Success(data=CaseWatched(id=found.grievance_id)))


@routes.get("/{grievance_id}/summary", response_model=Success[SummaryFound])
async def read_summary(grievance_id: GrievanceId, caller: Service, uow: Uow) -> Response:
    """What the engine made of a case, for those who watch it."""
    return answer(Success(data=SummaryFound(summary=await _summary(grievance_id, uow))))


async def _summary(grievance_id: str, uow: RequestUnit) -> str | None:
    async with uow.read() as tx:
        found = _open(await GrievanceRepository(tx).get(grievance_id))
        texts = await Texts.of(tx, found)
        return texts.open("grievances.summary", grievance_id, found.summary)


def _open(grievance: Grievance) -> Grievance:
    if is_restricted(grievance):
        raise _missing()
    return grievance


def _missing() -> GrievanceNotFound:
    return GrievanceNotFound("There is no such grievance.")
