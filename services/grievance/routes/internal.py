"""What other services of ours ask grievance."""

import json
from collections.abc import Collection, Mapping
from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from libs.common.web.auth import OnBehalfOf, Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from libs.language.sensitivity import Sensitivity
from services.grievance.domain.filing import is_owner
from services.grievance.domain.handling import is_restricted
from services.grievance.domain.texts import Texts
from services.grievance.repository.cases import GrievanceNotFound, GrievanceRepository
from services.grievance.routes.cases import GrievanceId

routes = router(prefix="/internal/grievances", tag="internal")
persons = router(prefix="/internal/persons", tag="internal")
MOST_PERSONS = 50


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


PersonId = Annotated[int, Field(ge=1, le=2**31 - 1)]


class PersonsQuery(Schema):
    """Who is asked about, and which cases count: all, or one. What staff filed is not theirs."""

    citizen: Annotated[list[PersonId], Field(max_length=MOST_PERSONS)] = []
    staff: Annotated[list[PersonId], Field(max_length=MOST_PERSONS)] = []
    grievance_id: GrievanceId | None = None


class CitizensQuery(Schema):
    citizen: Annotated[list[PersonId], Field(max_length=MOST_PERSONS)]


class KeptApart(Schema):
    kept_apart: list[int]


class PersonSeen(Schema):
    user_id: int
    is_restricted: bool


class PersonsSeen(Schema):
    seen: list[PersonSeen]


@routes.get("/{grievance_id}/contact", response_model=Success[ContactFound])
async def read_contact(grievance_id: GrievanceId, caller: Service, uow: Uow) -> Response:
    """The sealed contact of a case, for the vault to take over. 404 once nothing is there."""
    async with uow.read() as tx:
        repository = GrievanceRepository(tx)
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
        found = await GrievanceRepository(tx).get(grievance_id)
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
        found = await GrievanceRepository(tx).get_for(person, grievance_id)
    access = "owner" if is_owner(person, found) else "officer"
    data = AccessFound(access=access, is_restricted=is_restricted(found))
    return answer(Success(data=data))


@persons.get("/access", response_model=Success[PersonsSeen])
async def read_access_to_persons(
    query: Annotated[PersonsQuery, Query()], caller: Service, person: OnBehalfOf, uow: Uow
) -> Response:
    """Of whom the person asked for may see a case, and whether one of those is restricted."""
    found: Mapping[int, Collection[str]] = {}
    if person is not None:
        async with uow.read() as tx:
            found = await GrievanceRepository(tx).shared_with(
                person,
                about={*query.citizen, *query.staff},
                filed_by=query.citizen,
                grievance_id=query.grievance_id,
            )
    seen = [
        PersonSeen(user_id=user_id, is_restricted=Sensitivity.SEAH in kinds)
        for user_id, kinds in sorted(found.items())
    ]
    return answer(Success(data=PersonsSeen(seen=seen)))


@persons.get("/kept-apart", response_model=Success[KeptApart])
async def read_kept_apart(
    query: Annotated[CitizensQuery, Query()], caller: Service, uow: Uow
) -> Response:
    """Who of them has SEAH cases and no others, whoever asks."""
    async with uow.read() as tx:
        found = await GrievanceRepository(tx).kept_apart(
            about=query.citizen, filed_by=query.citizen
        )
    return answer(Success(data=KeptApart(kept_apart=sorted(found))))
