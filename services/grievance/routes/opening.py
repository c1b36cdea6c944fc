"""A case, opened: everything of it that a caller may read."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import Response

from libs.common.db.uow import Transaction
from libs.common.masks import masked_name, masked_phone
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.responses import Success, answer
from libs.common.web.units import RequestUnit
from services.grievance.clients import UsersClient
from services.grievance.domain import auditing
from services.grievance.domain.belonging import belonging
from services.grievance.domain.filing import is_owner
from services.grievance.domain.status import ActorNotAllowed, actor, allowed
from services.grievance.domain.texts import Texts
from services.grievance.models import Act, Action, Grievance, Party, Status
from services.grievance.repository.cases import GrievanceRepository
from services.grievance.repository.words import Belonging
from services.grievance.schemas.cases import ContactOut, FileRef, GrievanceRead, GrievanceRow

SEALED_TEXTS = ("description", "summary", "place", "resolution")


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case with everything of it that lies here, read in one transaction."""

    row: Grievance
    texts: Texts
    belonging: Belonging
    files: list[FileRef]
    party: Party | None
    contact: ContactOut | None


async def show(
    grievance_id: str, caller: Principal, uow: RequestUnit, users: UsersClient
) -> Response:
    """A case as `caller` sees it, with its ETag."""
    return tagged(await opened(grievance_id, caller, uow, users))


async def opened(
    grievance_id: str, caller: Principal, uow: RequestUnit, users: UsersClient
) -> GrievanceRead:
    """Everything `caller` may read of a case."""
    async with uow.read() as tx:
        case = await open_case(tx, await GrievanceRepository(tx).get_for(caller, grievance_id))
    return await shown(case, caller, uow, users)


async def open_case(tx: Transaction, found: Grievance) -> OpenCase:
    """Read what lies here of a case `found` for somebody who may see it."""
    repository, texts = GrievanceRepository(tx), await Texts.of(tx, found)
    party = await repository.complainant(found.grievance_id)
    return OpenCase(
        found,
        texts,
        await belonging(tx, found),
        [FileRef.model_validate(file) for file in await repository.files(found.grievance_id)],
        party,
        _sealed_contact(texts, party),
    )


async def shown(
    case: OpenCase, caller: Principal, uow: RequestUnit, users: UsersClient
) -> GrievanceRead:
    """A case on the wire. The contact is asked for after the transaction."""
    found = case.row
    await tell_of_reading(found, caller, uow)
    contact, status = await _contact(caller, case, None if case.texts.is_erased else users)
    return GrievanceRead.model_validate(
        facts(found, case.belonging)
        | _opened_texts(found, case.texts)
        | {
            "erased": case.texts.is_erased,
            "sensitivity": found.sensitivity,
            "resolution_category": found.resolution_category,
            "files": case.files,
            "contact": contact,
            "contact_status": status,
            "allowed_actions": allowed_to(caller, found),
            "version": found.version,
        }
    )


async def tell_of_reading(found: Grievance, caller: Principal, uow: RequestUnit) -> None:
    """Have it on record that somebody read a restricted case, before the first byte leaves."""
    if auditing.is_reading_told(caller, found):
        async with uow.begin() as tx:
            auditing.record(tx, Act.READ, found.grievance_id, by=caller, restricted=True)


def _opened_texts(found: Grievance, texts: Texts) -> dict[str, str | None]:
    return {
        name: texts.open(f"grievances.{name}", found.grievance_id, getattr(found, name))
        for name in SEALED_TEXTS
    }


def _sealed_contact(texts: Texts, party: Party | None) -> ContactOut | None:
    """The contact, masked, as long as the vault has not taken it over."""
    opened = party and texts.open("parties.contact", party.party_id, party.contact)
    if not opened:
        return None
    contact = json.loads(opened)
    return ContactOut(
        name=masked_name(contact["name"]), phone_number=masked_phone(contact["phone_number"])
    )


async def _contact(
    caller: Principal, case: OpenCase, users: UsersClient | None
) -> tuple[ContactOut | None, str]:
    if not caller.may_for_others(Permission.USER_READ):
        return None, "hidden"
    if case.party is None:
        return None, "anonymous"
    if users is None:
        return None, "erased"
    sealed = case.contact
    if sealed is None and case.row.user_id is not None:
        card = await users.contact(case.row.user_id)
        sealed = ContactOut(name=card.name, phone_number=card.phone_number) if card else None
    return sealed, "masked" if sealed else "unavailable"


def facts(found: Grievance, belongs: Belonging) -> dict[str, Any]:
    """What a list shows of a case."""
    lies_there = GrievanceRow.model_fields.keys() - Belonging.__dataclass_fields__.keys()
    return {name: getattr(found, name) for name in lies_there} | asdict(belongs)


def tagged(found: GrievanceRead) -> Response:
    """A case with the ETag it is corrected by."""
    return answer(Success(data=found), version=found.version)


def allowed_to(caller: Principal, grievance: Grievance) -> list[Action]:
    """What `caller` may do with this case now."""
    try:
        who = actor(caller, is_complainant=is_owner(caller, grievance))
    except ActorNotAllowed:
        return []
    return allowed(Status(grievance.status), who)
