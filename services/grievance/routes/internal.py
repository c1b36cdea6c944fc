"""What other services of ours ask grievance."""

import json
from typing import Annotated

from fastapi import Path, Query, Response

from libs.common.web.auth import OnBehalfOf, Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from libs.language.sensitivity import Sensitivity
from services.grievance.domain.filing import is_owner
from services.grievance.domain.handling import is_restricted
from services.grievance.domain.texts import Texts
from services.grievance.repository import GrievanceNotFound, GrievanceRepository
from services.grievance.routes.cases import GrievanceId

routes = router(prefix="/internal/grievances", tag="internal")
persons = router(prefix="/internal/persons", tag="internal")


class ContactFound(Schema):
    name: str | None
    phone_number: str | None
    email: str | None = None
    address: str | None = None
    municipality: str | None = None


class TextFound(Schema):
    description: str


class AccessFound(Schema):
    access: str
    is_restricted: bool


class PersonQuery(Schema):
    """Which cases count: one, or all of this person's. What staff filed is not about them."""

    grievance_id: GrievanceId | None = None
    is_staff: bool = False


class PersonAccessFound(Schema):
    is_restricted: bool


@routes.get("/{grievance_id}/contact", response_model=Success[ContactFound])
async def read_contact(grievance_id: GrievanceId, caller: Service, uow: Uow) -> Response:
    """The sealed contact of a case, for the vault to take over. 404 once nothing is there."""
    async with uow.read() as tx:
        repository = GrievanceRepository(tx.session)
        found = await repository.get(grievance_id)
        party = await repository.complainant(grievance_id)
        texts = await Texts.of(tx, found)
        contact = party and texts.open("parties.contact", party.party_id, party.contact)
    if not contact:
        raise GrievanceNotFound("There is no contact to take over.")
    return answer(Success(data=ContactFound(**json.loads(contact))))


@routes.get("/{grievance_id}/text", response_model=Success[TextFound])
async def read_text(grievance_id: GrievanceId, caller: Service, uow: Uow) -> Response:
    """The description of a case, for the language engine."""
    async with uow.read() as tx:
        found = await GrievanceRepository(tx.session).get(grievance_id)
        texts = await Texts.of(tx, found)
        text = texts.open("grievances.description", grievance_id, found.description)
    if text is None:
        raise GrievanceNotFound("There is no text any more.")
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
    data = AccessFound(access=access, is_restricted=is_restricted(found))
    return answer(Success(data=data))


@persons.get("/{user_id}/access", response_model=Success[PersonAccessFound])
async def read_person_access(
    user_id: Annotated[int, Path(ge=1, le=2**31 - 1)],
    query: Annotated[PersonQuery, Query()],
    caller: Service,
    person: OnBehalfOf,
    uow: Uow,
) -> Response:
    """Whether the person asked for may see a case of somebody; 404 if there is none they may."""
    if person is None:
        raise GrievanceNotFound("There is no such grievance.")
    async with uow.read() as tx:
        found = await GrievanceRepository(tx.session).shared_with(
            person, user_id, grievance_id=query.grievance_id, as_filer=not query.is_staff
        )
    if not found:
        raise GrievanceNotFound("There is no such grievance.")
    return answer(Success(data=PersonAccessFound(is_restricted=Sensitivity.SEAH in found)))
