"""Cases: lists, one case, what officers correct and write on it."""

import json
from typing import Annotated

from fastapi import Query, Response

from libs.common.db.paging import Cursor
from libs.common.db.uow import Transaction
from libs.common.permissions import Permission
from libs.common.phones import masked
from libs.common.principal import Principal
from libs.common.web.responses import Page, Success, answer
from libs.common.web.routing import PathId, router
from libs.common.web.units import IfMatch, RequestUnit, Uow, check_version
from libs.language.categorising import CATEGORIES
from services.grievance.clients import UsersClient
from services.grievance.domain import auditing, handling
from services.grievance.domain.filing import is_owner
from services.grievance.domain.status import ActorNotAllowed, actor, allowed
from services.grievance.domain.texts import Texts
from services.grievance.models import Act, Action, Grievance, Party, Status
from services.grievance.repository import Filters, GrievanceRepository
from services.grievance.routes.deps import (
    Asker,
    CaseCorrector,
    CaseLister,
    CaseReader,
    NoteReader,
    NoteWriter,
    Users,
)
from services.grievance.schemas.cases import (
    Category,
    ContactOut,
    FileRef,
    GrievanceListQuery,
    GrievanceRead,
    GrievanceRow,
    GrievanceUpdate,
    HistoryRow,
    NoteIn,
    NoteRead,
)

routes = router(prefix="/api/v1", tag="grievances")
SEALED_TEXTS = ("description", "summary", "place", "resolution")
GrievanceId = PathId


@routes.get("/categories", response_model=Success[list[Category]])
async def list_categories(caller: Asker) -> Response:
    """The categories of this installation, with their names in both languages."""
    return answer(Success(data=[Category.model_validate(each) for each in CATEGORIES.values()]))


@routes.get("/grievances", response_model=Success[Page[GrievanceRow]])
async def list_grievances(
    query: Annotated[GrievanceListQuery, Query()], caller: CaseLister, uow: Uow
) -> Response:
    """The cases you may see, newest first: an officer's scope, or what you filed yourself."""
    filters = Filters(**query.model_dump(exclude={"limit", "cursor"}))
    after = Cursor.parse(query.cursor) if query.cursor else None
    async with uow.read() as tx:
        found = await GrievanceRepository(tx.session).page(
            caller, filters, after=after, limit=query.limit
        )
    items = [GrievanceRow.model_validate(row) for row in found[: query.limit]]
    is_more = len(found) > query.limit
    cursor = str(Cursor(items[-1].created_at, items[-1].grievance_id)) if is_more else None
    return answer(Success(data=Page(items=items, next_cursor=cursor)))


@routes.get("/grievances/{grievance_id}", response_model=Success[GrievanceRead])
async def read_grievance(
    grievance_id: GrievanceId, caller: CaseReader, uow: Uow, users: Users
) -> Response:
    """One case, with its ETag. 404 if it is not yours to see."""
    return await show(grievance_id, caller, uow, users)


@routes.put("/grievances/{grievance_id}", response_model=Success[GrievanceRead])
async def correct_grievance(
    grievance_id: GrievanceId,
    body: GrievanceUpdate,
    caller: CaseCorrector,
    uow: Uow,
    users: Users,
    version: IfMatch,
) -> Response:
    """Correct a case. Giving `categories` confirms them; send the ETag you read as `If-Match`."""
    await correct(grievance_id, body, caller, uow, version)
    return await show(grievance_id, caller, uow, users)


async def correct(
    grievance_id: str,
    body: GrievanceUpdate,
    caller: Principal,
    uow: RequestUnit,
    version: int | None,
) -> None:
    """Apply an officer's correction in one transaction."""
    categories = tuple(body.categories) if body.categories is not None else None
    correction = handling.Correction(
        **body.model_dump(exclude={"categories"}), categories=categories
    )
    async with uow.begin() as tx:
        found = await GrievanceRepository(tx.session).get_for(caller, grievance_id, for_update=True)
        check_version(found.version, version)
        await handling.correct(tx, found, correction, by=caller)


@routes.get("/grievances/{grievance_id}/history", response_model=Success[list[HistoryRow]])
async def read_history(grievance_id: GrievanceId, caller: CaseReader, uow: Uow) -> Response:
    """Every move of a case, oldest first. Names and notes of staff are for staff."""
    async with uow.read() as tx:
        found = await GrievanceRepository(tx.session).get_for(caller, grievance_id)
        rows = await history_of(tx, found, with_staff=caller.may(Permission.NOTE_READ))
    await tell_of_reading(found, caller, uow)
    return answer(Success(data=rows))


async def history_of(
    tx: Transaction, grievance: Grievance, *, with_staff: bool
) -> list[HistoryRow]:
    """The moves of a case, as the reader may see them."""
    rows = await GrievanceRepository(tx.session).history(grievance.grievance_id)
    texts = await Texts.of(tx, grievance)
    return [
        HistoryRow(
            status=Status(row.status),
            from_status=Status(row.from_status) if row.from_status else None,
            action=Action(row.action),
            level=row.level,
            notes=texts.open("status_history.notes", row.grievance_id, row.notes)
            if with_staff
            else None,
            created_by=row.created_by if with_staff else None,
            created_at=row.created_at,
        )
        for row in rows
    ]


@routes.post("/grievances/{grievance_id}/notes", status_code=201, response_model=Success[NoteRead])
async def add_note(
    grievance_id: GrievanceId, body: NoteIn, caller: NoteWriter, uow: Uow
) -> Response:
    """Write a note on a case. Complainants never see notes."""
    async with uow.begin() as tx:
        found = await GrievanceRepository(tx.session).get_for(caller, grievance_id, for_update=True)
        note = await handling.add_note(tx, found, body.text, by=caller)
        data = NoteRead(
            note_id=note.note_id,
            text=body.text,
            created_by=note.created_by,
            created_at=note.created_at,
        )
        return answer(Success(data=data), tx=tx, status=201)


@routes.get("/grievances/{grievance_id}/notes", response_model=Success[list[NoteRead]])
async def list_notes(grievance_id: GrievanceId, caller: NoteReader, uow: Uow) -> Response:
    """What officers wrote on a case, oldest first."""
    async with uow.read() as tx:
        repository = GrievanceRepository(tx.session)
        found = await repository.get_for(caller, grievance_id)
        texts = await Texts.of(tx, found)
        rows = [
            NoteRead(
                note_id=note.note_id,
                text=texts.open("notes.text", note.note_id, note.text),
                created_by=note.created_by,
                created_at=note.created_at,
            )
            for note in await repository.notes(grievance_id)
        ]
    await tell_of_reading(found, caller, uow)
    return answer(Success(data=rows))


async def show(
    grievance_id: str, caller: Principal, uow: RequestUnit, users: UsersClient
) -> Response:
    """A case as `caller` sees it, with its ETag."""
    found = await opened(grievance_id, caller, uow, users)
    return answer(Success(data=found), version=found.version)


async def opened(
    grievance_id: str, caller: Principal, uow: RequestUnit, users: UsersClient
) -> GrievanceRead:
    """Everything `caller` may read of a case. The contact is asked for after the transaction."""
    async with uow.read() as tx:
        repository = GrievanceRepository(tx.session)
        found = await repository.get_for(caller, grievance_id)
        texts = await Texts.of(tx, found)
        files = [FileRef.model_validate(file) for file in await repository.files(grievance_id)]
        party = await repository.complainant(grievance_id)
        sealed = _sealed_contact(texts, party)
    await tell_of_reading(found, caller, uow)
    is_known = not texts.is_erased
    contact, status = await _contact(caller, found, party, sealed, users if is_known else None)
    return GrievanceRead.model_validate(
        GrievanceRow.model_validate(found).model_dump()
        | _opened_texts(found, texts)
        | {
            "erased": texts.is_erased,
            "sensitivity": found.sensitivity,
            "resolution_category": found.resolution_category,
            "files": files,
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
    name, phone = contact["name"], contact["phone_number"]
    return ContactOut(
        name=" ".join(f"{word[0]}***" for word in name.split()) if name else None,
        phone_number=masked(phone) if phone else None,
    )


async def _contact(
    caller: Principal,
    found: Grievance,
    party: Party | None,
    sealed: ContactOut | None,
    users: UsersClient | None,
) -> tuple[ContactOut | None, str]:
    if not caller.may_for_others(Permission.USER_READ):
        return None, "hidden"
    if party is None:
        return None, "anonymous"
    if users is None:
        return None, "erased"
    if sealed is None and found.user_id is not None:
        card = await users.contact(found.user_id)
        sealed = ContactOut(name=card.name, phone_number=card.phone_number) if card else None
    return sealed, "masked" if sealed else "unavailable"


def allowed_to(caller: Principal, grievance: Grievance) -> list[Action]:
    """What `caller` may do with this case now."""
    try:
        who = actor(caller, is_complainant=is_owner(caller, grievance))
    except ActorNotAllowed:
        return []
    return allowed(Status(grievance.status), who)
