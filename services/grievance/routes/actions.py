"""Steps of a case's life: actions, the sources' status, and what the complainant does."""

from fastapi import Response

from libs.common.db.uow import Transaction
from libs.common.errors import TooManyRequests, VersionRequired
from libs.common.permissions import Permission
from libs.common.principal import Principal, Role
from libs.common.web.auth import Service
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.units import AnyVersion, IfMatch, RequestUnit, Uow, check_version
from services.grievance.domain import handling
from services.grievance.domain.filing import access_code_index, is_owner
from services.grievance.domain.status import action_to, actor
from services.grievance.domain.texts import Texts
from services.grievance.models import Grievance, Status
from services.grievance.repository.cases import GrievanceNotFound, GrievanceRepository
from services.grievance.routes.cases import GrievanceId, history_of
from services.grievance.routes.deps import (
    CachePort,
    CaseActor,
    CaseFollower,
    CaseMover,
    CaseReader,
    Settings,
)
from services.grievance.routes.opening import allowed_to
from services.grievance.schemas.actions import (
    ActionIn,
    ChatAction,
    ProposalIn,
    StatusRead,
    StatusUpdate,
    Tracked,
    TrackIn,
)

routes = router(tag="grievances")
TRACKING_WINDOW_SECONDS = 15 * 60


class TooManyTries(TooManyRequests):
    """Too many wrong access codes for this case."""

    code = "TOO_MANY_TRIES"


@routes.get("/api/v1/grievances/{grievance_id}/status", response_model=Success[StatusRead])
async def read_status(grievance_id: GrievanceId, caller: CaseReader, uow: Uow) -> Response:
    """Where a case stands, and what you may do with it."""
    async with uow.read() as tx:
        found = await GrievanceRepository(tx).get_for(caller, grievance_id)
    return _status(found, caller)


@routes.put("/api/v1/grievances/{grievance_id}/status", response_model=Success[StatusRead])
async def change_status(
    grievance_id: GrievanceId, body: StatusUpdate, caller: CaseMover, uow: Uow, version: IfMatch
) -> Response:
    """Move a case to a status. 409 names what is allowed when the life cycle does not allow it."""
    return await move_to(grievance_id, body, caller, uow, version)


@routes.post("/api/v1/grievances/{grievance_id}/actions", response_model=Success[StatusRead])
async def act(
    grievance_id: GrievanceId, body: ActionIn, caller: CaseActor, uow: Uow, version: AnyVersion
) -> Response:
    """Take one step. Staff send `If-Match`; a complainant accepts as owner or by access code."""
    is_staff = caller.may_for_others(Permission.CASE_READ)
    if is_staff and version is None:
        raise VersionRequired("Say which version you act on: send If-Match with its ETag.")
    move = handling.Move(
        body.action, body.notes, _proposal(body.proposal), has_consent=body.consent_recorded
    )
    async with uow.begin() as tx:
        repository = GrievanceRepository(tx)
        if body.access_code and not is_staff:
            code = access_code_index(tx, grievance_id, body.access_code)
            found = await repository.get_with_code(grievance_id, code, for_update=True)
            is_complainant = True
        else:
            found = await repository.get_for(caller, grievance_id, for_update=True)
            is_complainant = is_owner(caller, found)
        check_version(found.version, version)
        await handling.act(tx, found, move, by=caller, is_complainant=is_complainant)
        await tx.session.flush()
        return _status(found, caller, tx=tx)


@routes.post("/internal/grievances/{grievance_id}/actions", response_model=Success[StatusRead])
async def act_from_chat(
    grievance_id: GrievanceId, body: ChatAction, caller: Service, uow: Uow
) -> Response:
    """Take a step the complainant confirmed in their conversation."""
    person = Principal(body.by, Role.GUEST)
    async with uow.begin() as tx:
        found = await GrievanceRepository(tx).get_for(person, grievance_id, for_update=True)
        await handling.act(tx, found, handling.Move(body.action), by=person, is_complainant=True)
        await tx.session.flush()
        return _status(found, person, tx=tx)


@routes.post("/api/v1/grievances/track", response_model=Success[Tracked])
async def track(
    body: TrackIn, caller: CaseFollower, uow: Uow, cache: CachePort, settings: Settings
) -> Response:
    """Follow a case with its reference and access code."""
    wrong = f"track:{body.grievance_id}"
    async with uow.read() as tx:
        code = access_code_index(tx, body.grievance_id, body.access_code)
        try:
            found = await GrievanceRepository(tx).get_with_code(body.grievance_id, code)
        except GrievanceNotFound:
            tries = await cache.count(wrong, seconds=TRACKING_WINDOW_SECONDS)
            if tries > settings.tracking_tries:
                raise TooManyTries("Too many wrong codes; try again later.") from None
            raise
        history = await history_of(tx, found, with_staff=False)
        texts = await Texts.of(tx, found)
        resolution = texts.open("grievances.resolution", found.grievance_id, found.resolution)
    data = Tracked(
        grievance_id=found.grievance_id,
        status=Status(found.status),
        level=found.level,
        categories=found.categories,
        classification_status=found.classification_status,
        resolution=resolution,
        created_at=found.created_at,
        updated_at=found.updated_at,
        history=history,
        version=found.version,
    )
    return answer(Success(data=data), version=found.version)


async def move_to(
    grievance_id: str,
    body: StatusUpdate,
    caller: Principal,
    uow: RequestUnit,
    version: int | None,
) -> Response:
    """Find the action that leads to the wanted status, and take it."""
    async with uow.begin() as tx:
        found = await GrievanceRepository(tx).get_for(caller, grievance_id, for_update=True)
        check_version(found.version, version)
        is_complainant = is_owner(caller, found)
        who = actor(caller, is_complainant=is_complainant)
        move = handling.Move(
            action_to(Status(found.status), body.status, who),
            body.notes,
            _proposal(body.proposal),
            has_consent=body.consent_recorded,
        )
        await handling.act(tx, found, move, by=caller, is_complainant=is_complainant)
        await tx.session.flush()
        return _status(found, caller, tx=tx)


def _proposal(given: ProposalIn | None) -> handling.Proposal | None:
    if given is None:
        return None
    return handling.Proposal(
        given.resolution_category, given.text, given.public_text_en, given.public_text_ne
    )


def _status(found: Grievance, caller: Principal, *, tx: Transaction | None = None) -> Response:
    data = StatusRead(
        grievance_id=found.grievance_id,
        status=Status(found.status),
        level=found.level,
        updated_at=found.updated_at,
        allowed_actions=allowed_to(caller, found),
        version=found.version,
    )
    return answer(Success(data=data), tx=tx, version=found.version)
