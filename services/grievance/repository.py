"""Questions to the grievance schema. One row filter decides who sees which case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, false, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.paging import Cursor, newest_first
from libs.common.db.writes import insert_new
from libs.common.errors import NotFound
from libs.common.permissions import Permission
from libs.common.principal import SEAH_ROLES, Principal, Role, Scope
from libs.language.sensitivity import Sensitivity
from services.grievance.models import BoundGuest, CaseFile, Grievance, Note, Party, StatusHistory


class GrievanceNotFound(NotFound):
    """No such case, or none for this caller."""

    code = "GRIEVANCE_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed down to."""

    status: str | None = None
    category: str | None = None
    municipality: str | None = None
    organisation: str | None = None
    project_type: str | None = None
    level: int | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None


def visible_to(caller: Principal) -> ColumnElement[bool]:
    """The rows `caller` may see: the one place this is decided.

    Staff see the cases of their projects, organisations and places, SEAH roles SEAH cases and
    nothing else, and whoever filed a case sees it. A SEAH case does not exist for anybody else.
    """
    own = Grievance.filed_by == caller.id
    if not caller.may(Permission.CASE_READ):
        return false()
    if not caller.may_for_others(Permission.CASE_READ):
        return own
    is_seah = Grievance.sensitivity == Sensitivity.SEAH
    in_scope = within(caller.scope)
    if caller.role in SEAH_ROLES:
        return and_(is_seah, in_scope)
    if caller.role is Role.ADB_HQ_EXEC:
        return or_(own, in_scope)
    return or_(own, and_(~is_seah, in_scope))


def within(scope: Scope) -> ColumnElement[bool]:
    """The rows of a part of the programme and of the country; a place holds those below it.

    Beginnings are compared as text: LIKE and ranges mean another thing on each database.
    """
    parts: list[ColumnElement[bool]] = []
    if scope.projects:
        parts.append(Grievance.project_type.in_(scope.projects))
    if scope.organisations:
        parts.append(Grievance.organisation.in_(scope.organisations))
    if scope.places:
        below = [
            func.substr(Grievance.municipality, 1, len(place) + 1) == f"{place}/"
            for place in scope.places
        ]
        parts.append(or_(Grievance.municipality.in_(scope.places), *below))
    return and_(true(), *parts)


class GrievanceRepository:
    """Cases and what hangs on them, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, grievance_id: str, *, for_update: bool = False) -> Grievance:
        """A case, whoever asks: for our own programs and for events. Raises GrievanceNotFound."""
        return await self._one(Grievance.grievance_id == grievance_id, for_update=for_update)

    async def get_for(
        self, caller: Principal, grievance_id: str, *, for_update: bool = False
    ) -> Grievance:
        """A case `caller` may see. Raises GrievanceNotFound."""
        wanted = and_(Grievance.grievance_id == grievance_id, visible_to(caller))
        return await self._one(wanted, for_update=for_update)

    async def get_with_code(
        self, grievance_id: str, code_index: bytes, *, for_update: bool = False
    ) -> Grievance:
        """A case opened with its access code. Raises GrievanceNotFound."""
        wanted = and_(Grievance.grievance_id == grievance_id, Grievance.access_code == code_index)
        return await self._one(wanted, for_update=for_update)

    async def page(
        self, caller: Principal, filters: Filters, *, after: Cursor | None, limit: int
    ) -> Sequence[Grievance]:
        """The newest cases `caller` may see; one more than `limit` when there is a next page."""
        query = select(Grievance).where(visible_to(caller), *_conditions(filters))
        at, row = Grievance.created_at.expression, Grievance.grievance_id.expression
        return await self._all(newest_first(query, at, row, after=after, limit=limit))

    async def shared_with(
        self, caller: Principal, user_id: int, *, grievance_id: str | None, as_filer: bool
    ) -> frozenset[str]:
        """How sensitive the cases of a person are that `caller` may see; nothing if there is none.

        A person is whom the vault found behind a contact, and who filed it, if `as_filer`.
        """
        theirs = _of(user_id) if as_filer else Grievance.user_id == user_id
        query = select(Grievance.sensitivity).where(theirs, visible_to(caller)).distinct()
        if grievance_id is not None:
            query = query.where(Grievance.grievance_id == grievance_id)
        return frozenset(await self._all(query))

    async def merge_person(self, user_id: int, *, into: int) -> None:
        """What was of `user_id`, or filed by them, is of `into`."""
        for column, was, becomes in (
            (Grievance.user_id, user_id, into),
            (Grievance.filed_by, f"user:{user_id}", f"user:{into}"),
        ):
            await self._session.execute(
                update(Grievance).where(column == was).values({column: becomes})
            )

    async def of_person(self, user_id: int, *, for_update: bool = False) -> Sequence[Grievance]:
        """The cases somebody filed for themselves, or is the contact of, in a fixed order."""
        query = select(Grievance).where(_of(user_id)).order_by(Grievance.grievance_id)
        return await self._all(query.with_for_update() if for_update else query)

    async def bind_guest(
        self, guest_id: str, *, user_id: int, at: datetime, forget_before: datetime
    ) -> bool:
        """Remember who a guest is; False when they were somebody before, and stay so."""
        await self._session.execute(delete(BoundGuest).where(BoundGuest.bound_at < forget_before))
        values = {"guest_id": guest_id, "user_id": user_id, "bound_at": at}
        return await insert_new(self._session, BoundGuest.__table__, **values)  # type: ignore[arg-type]

    async def bound_to(self, guest_id: str) -> int | None:
        """Who a guest has proved to be, if they have."""
        query = select(BoundGuest.user_id).where(BoundGuest.guest_id == guest_id)
        found: int | None = await self._session.scalar(query)
        return found

    async def filed_by(self, filer: str) -> Sequence[Grievance]:
        """What somebody filed: to be changed, in a fixed order."""
        query = select(Grievance).where(Grievance.filed_by == filer)
        return await self._all(query.order_by(Grievance.grievance_id).with_for_update())

    async def history(self, grievance_id: str) -> Sequence[StatusHistory]:
        """Every move, oldest first."""
        query = select(StatusHistory).where(StatusHistory.grievance_id == grievance_id)
        return await self._all(query.order_by(StatusHistory.history_id))

    async def notes(self, grievance_id: str) -> Sequence[Note]:
        """What officers wrote, oldest first."""
        query = select(Note).where(Note.grievance_id == grievance_id)
        return await self._all(query.order_by(Note.note_id))

    async def complainant(self, grievance_id: str) -> Party | None:
        """Who complains, unless they chose to stay unknown."""
        query = select(Party).where(Party.grievance_id == grievance_id)
        found: Party | None = await self._session.scalar(query.limit(1))
        return found

    async def files(self, grievance_id: str) -> Sequence[CaseFile]:
        """The files of a case."""
        query = select(CaseFile).where(CaseFile.grievance_id == grievance_id)
        return await self._all(query.order_by(CaseFile.file_id))

    async def file(self, grievance_id: str, file_id: str) -> CaseFile | None:
        """One file of a case."""
        return await self._session.get(CaseFile, (grievance_id, file_id))

    async def _one(self, wanted: ColumnElement[bool], *, for_update: bool) -> Grievance:
        query = select(Grievance).where(wanted)
        if for_update:
            query = query.with_for_update()
        found: Grievance | None = await self._session.scalar(query)
        if found is None:
            raise GrievanceNotFound("There is no such grievance.")
        return found

    async def _all(self, query: Select[Any]) -> Sequence[Any]:
        return (await self._session.scalars(query)).all()


def _of(user_id: int) -> ColumnElement[bool]:
    """The cases that are about somebody: what staff filed for another is about that other."""
    is_filer = and_(Grievance.filed_by == f"user:{user_id}", ~Grievance.is_for_another)
    return or_(Grievance.user_id == user_id, is_filer)


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    wanted = {
        Grievance.status: filters.status,
        Grievance.category: filters.category,
        Grievance.municipality: filters.municipality,
        Grievance.organisation: filters.organisation,
        Grievance.project_type: filters.project_type,
        Grievance.level: filters.level,
    }
    conditions = [column == value for column, value in wanted.items() if value is not None]
    if filters.date_from:
        conditions.append(Grievance.created_at >= filters.date_from)
    if filters.date_to:
        conditions.append(Grievance.created_at < filters.date_to)
    return conditions or [~false()]
