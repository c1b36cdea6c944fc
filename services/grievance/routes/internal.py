"""What other services of ours ask grievance."""

import json

from fastapi import Response

from libs.common.web.auth import OnBehalfOf, Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.grievance.domain.filing import is_owner
from services.grievance.repository import GrievanceNotFound, GrievanceRepository
from services.grievance.routes.cases import GrievanceId

routes = router(prefix="/internal/grievances", tag="internal")


class ContactFound(Schema):
    name: str | None
    phone_number: str | None


class TextFound(Schema):
    description: str


class AccessFound(Schema):
    access: str


@routes.get("/{grievance_id}/contact", response_model=Success[ContactFound])
async def read_contact(grievance_id: GrievanceId, caller: Service, uow: Uow) -> Response:
    """The sealed contact of a case, for the vault to take over."""
    async with uow.read() as tx:
        repository = GrievanceRepository(tx.session)
        found = await repository.get(grievance_id)
        party = await repository.complainant(grievance_id)
        if party is None or party.contact is None:
            raise GrievanceNotFound("There is no contact to take over.")
        key = await tx.vault.key(found.subject)
        contact = json.loads(key.open("parties.contact", party.party_id, party.contact))
    return answer(Success(data=ContactFound(**contact)))


@routes.get("/{grievance_id}/text", response_model=Success[TextFound])
async def read_text(grievance_id: GrievanceId, caller: Service, uow: Uow) -> Response:
    """The description of a case, for the language engine."""
    async with uow.read() as tx:
        found = await GrievanceRepository(tx.session).get(grievance_id)
        key = await tx.vault.key(found.subject)
        text = key.open("grievances.description", grievance_id, found.description)
    return answer(Success(data=TextFound(description=text)))


@routes.get("/{grievance_id}/access", response_model=Success[AccessFound])
async def read_access(
    grievance_id: GrievanceId, caller: Service, person: OnBehalfOf, uow: Uow
) -> Response:
    """Whether the person asked for may see a case, and as what. 404 if not."""
    if person is None:
        raise GrievanceNotFound("There is no such grievance.")
    async with uow.read() as tx:
        found = await GrievanceRepository(tx.session).get_for(person, grievance_id)
    access = "owner" if is_owner(person, found) else "officer"
    return answer(Success(data=AccessFound(access=access)))
