"""Cases: lists, one case, what officers correct and write on it."""

from typing import Annotated

from fastapi import Query, Response

from libs.common.db.paging import Cursor
from libs.common.db.uow import Transaction
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.responses import Page, Success, answer
from libs.common.web.routing import PathId, router
from libs.common.web.units import IfMatch, RequestUnit, Uow, check_version
from libs.language.categorising import CATEGORIES
from services.grievance.clients import UsersClient
from services.grievance.domain import handling
from services.grievance.domain.belonging import belongings
from services.grievance.domain.texts import Texts
from services.grievance.models import Action, Grievance, Status
from services.grievance.repository.cases import GrievanceRepository
from services.grievance.repository.seeing import Filters
from services.grievance.routes.deps import (
    Asker,
    CaseCorrector,
    CaseLister,
    CaseReader,
    NoteReader,
    NoteWriter,
    Users,
)
from services.grievance.routes.opening import facts, open_case, show, shown, tagged, tell_of_reading
from services.grievance.schemas.cases import (
    Category,
    GrievanceListQuery,
    GrievanceRead,
    GrievanceRow,
    GrievanceUpdate,
    HistoryRow,
    NoteIn,
    NoteRead,
)

routes = router(prefix="/api/v1", tag="grievances")
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
        found = await GrievanceRepository(tx).page(caller, filters, after=after, limit=query.limit)
        cases = found[: query.limit]
        belong = await belongings(tx, cases)
    items = [GrievanceRow(**facts(case, belong[case.grievance_id])) for case in cases]
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
    return await correct(grievance_id, body, caller, uow, users, version)


async def correct(
    grievance_id: str,
    body: GrievanceUpdate,
    caller: Principal,
    uow: RequestUnit,
    users: UsersClient,
    version: int | None,
) -> Response:
    """Apply an officer's correction in one transaction.

    They are shown the case as they left it, also when it is in nobody's scope of theirs any more.
    """
    categories = tuple(body.categories) if body.categories is not None else None
    correction = handling.Correction(
        **body.model_dump(exclude={"categories"}), categories=categories
    )
    async with uow.begin() as tx:
        found = await GrievanceRepository(tx).get_for(caller, grievance_id, for_update=True)
        check_version(found.version, version)
        await handling.correct(tx, found, correction, by=caller)
        await tx.session.flush()
        case = await open_case(tx, found)
    return tagged(await shown(case, caller, uow, users))


@routes.get("/grievances/{grievance_id}/history", response_model=Success[list[HistoryRow]])
async def read_history(grievance_id: GrievanceId, caller: CaseReader, uow: Uow) -> Response:
    """Every move of a case, oldest first. Names and notes of staff are for staff."""
    async with uow.read() as tx:
        found = await GrievanceRepository(tx).get_for(caller, grievance_id)
        rows = await history_of(tx, found, with_staff=caller.may(Permission.NOTE_READ))
    await tell_of_reading(found, caller, uow)
    return answer(Success(data=rows))


async def history_of(
    tx: Transaction, grievance: Grievance, *, with_staff: bool
) -> list[HistoryRow]:
    """The moves of a case, as the reader may see them."""
    rows = await GrievanceRepository(tx).history(grievance.grievance_id)
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
        found = await GrievanceRepository(tx).get_for(caller, grievance_id, for_update=True)
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
        repository = GrievanceRepository(tx)
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
