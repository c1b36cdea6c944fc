"""Filing a grievance: the public door, and chat's."""

from collections.abc import Sequence

from fastapi import Response

from libs.common.errors import Conflict
from libs.common.ids import new_id
from libs.common.principal import Principal, Role
from libs.common.web.auth import Service
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.units import RequestUnit, Uow
from services.grievance.clients import Bytes, FilesClient
from services.grievance.domain.filing import (
    Complaint,
    Contact,
    GrievanceExists,
    Place,
    check_may_name_files,
    check_may_name_organisation,
    file_grievance,
    new_reference,
)
from services.grievance.models import Channel
from services.grievance.repository.words import Belonging
from services.grievance.routes.deps import Filer, Files, Settings
from services.grievance.schemas.filing import (
    ChatGrievance,
    FileIn,
    GrievanceCreate,
    GrievanceFiled,
    SeedGrievance,
)
from services.grievance.settings import GrievanceSettings

routes = router(tag="grievances")
TRIES = 3


@routes.post("/api/v1/grievances", status_code=201, response_model=Success[GrievanceFiled])
async def file_a_grievance(
    body: GrievanceCreate, caller: Filer, uow: Uow, files: Files, settings: Settings
) -> Response:
    """File a grievance. Keep the access code: it opens the case without an account.

    Send an `Idempotency-Key` and repeat the request as often as the line drops: it is filed once.
    Callers with an API key may bring their own `grievance_id`; anybody else's is kept as a
    reference of theirs. `organisation` is for officers and API keys to name.
    """
    return await _file(body, caller, uow, files, settings)


@routes.post("/internal/grievances", status_code=201, response_model=Success[GrievanceFiled])
async def file_from_chat(
    body: ChatGrievance, caller: Service, uow: Uow, settings: Settings
) -> Response:
    """File what a citizen confirmed in a conversation."""
    complaint = _complaint(
        body, file_ids=body.file_ids, channel=Channel.CHAT, conversation_id=body.conversation_id
    )
    return await _commit(uow, complaint, by=body.filed_by, settings=settings, wanted=None)


async def file_seed(
    body: SeedGrievance,
    caller: Principal,
    uow: RequestUnit,
    files: FilesClient,
    settings: GrievanceSettings,
) -> Response:
    """File the sources' literal body."""
    contact = {"name": body.user_info.name, "phone_number": body.user_info.phone_number}
    create = GrievanceCreate.model_validate(
        {
            "description": body.description,
            "project_type": body.project_type,
            "contact": contact,
            "grievance_id": body.grievance_id or None,
            "files": [file.model_dump() for file in body.files],
        }
    )
    return await _file(create, caller, uow, files, settings)


async def _file(
    body: GrievanceCreate,
    caller: Principal,
    uow: RequestUnit,
    files: FilesClient,
    settings: GrievanceSettings,
) -> Response:
    if body.organisation is not None:
        check_may_name_organisation(caller)
    check_may_name_files(caller, body.file_ids)
    wanted = body.grievance_id if caller.role is Role.API_CLIENT else None
    if wanted:
        uow = uow.keyed(f"grievance:{wanted}")
    stored: list[str] = []
    if body.files:
        # Bytes go to files first; what asks a peer asks before the transaction opens.
        await uow.replay()
        wanted = wanted or new_reference(settings.reference_prefix)
        stored = await _store(body.files, files, uow, grievance_id=wanted, caller=caller)
    complaint = _complaint(body, file_ids=[*body.file_ids, *stored])
    return await _commit(
        uow,
        complaint,
        by=caller.id,
        on_behalf=caller if caller.is_staff else None,
        settings=settings,
        wanted=wanted,
    )


async def _commit(
    uow: RequestUnit,
    complaint: Complaint,
    *,
    by: str,
    settings: GrievanceSettings,
    wanted: str | None,
    on_behalf: Principal | None = None,
) -> Response:
    for attempt in range(TRIES):
        try:
            async with uow.begin() as tx:
                reference = wanted or new_reference(settings.reference_prefix)
                who = await tx.vault.writer(by)
                filed = file_grievance(
                    tx, complaint, grievance_id=reference, by=who, on_behalf=on_behalf
                )
                data = GrievanceFiled.model_validate(filed)
                return answer(Success(data=data), tx=tx, status=201)
        except Conflict:
            # Two cases drew the same reference: one in a billion, so draw again.
            if wanted or attempt == TRIES - 1:
                raise GrievanceExists("There is a grievance with this reference.") from None
    raise AssertionError  # pragma: no cover - the loop returns or raises


async def _store(
    given: Sequence[FileIn],
    files: FilesClient,
    uow: RequestUnit,
    *,
    grievance_id: str,
    caller: Principal,
) -> list[str]:
    names = []
    for number, file in enumerate(given):
        if caller.role is Role.API_CLIENT:
            file_id = file.file_id
        else:
            file_id = f"{uow.key[:32]}-{number}" if uow.key else new_id()
        content = Bytes(file_id, file.file_type, file.file_data, file.file_name)
        await files.store(content, grievance_id=grievance_id, owner=caller.id)
        names.append(file_id)
    return names


def _complaint(
    body: GrievanceCreate,
    *,
    file_ids: Sequence[str],
    channel: Channel = Channel.API,
    conversation_id: str | None = None,
) -> Complaint:
    contact = None
    if body.contact and any(body.contact.model_dump().values()):
        contact = Contact(**body.contact.model_dump())
    return Complaint(
        description=body.description,
        belonging=Belonging(body.project_type, body.organisation, body.place.municipality),
        place=Place(body.place.ward, body.place.text),
        contact=contact,
        file_ids=tuple(dict.fromkeys(file_ids)),
        channel=channel,
        conversation_id=conversation_id,
        client_reference=body.grievance_id,
    )
