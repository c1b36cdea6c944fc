"""Questions to the grievance schema. One row filter decides who sees which case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.paging import Cursor, newest_first
from libs.common.errors import NotFound
from libs.common.principal import SEAH_ROLES, Principal, Role
from libs.language.sensitivity import Sensitivity
from services.grievance.models import CaseFile, Grievance, Note, Party, StatusHistory


class GrievanceNotFound(NotFound):
    """No such case, or none for this caller."""

    code = "GRIEVANCE_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed down to."""

    status: str | None = None
    category: str | None = None
    municipality: str | None = None
    project_type: str | None = None
    level: int | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None


def visible_to(caller: Principal) -> ColumnElement[bool]:
    """The rows `caller` may see: the one place this is decided.

    Staff see the cases of their projects and places, SEAH roles SEAH cases and nothing else, and
    whoever filed a case sees it. A SEAH case does not exist for anybody else.
    """
    own = Grievance.filed_by == caller.id
    if not caller.is_staff:
        return own
    is_seah = Grievance.sensitivity == Sensitivity.SEAH
    in_scope = and_(
        Grievance.project_type.in_(caller.scope.projects) if caller.scope.projects else true(),
        Grievance.municipality.in_(caller.scope.places) if caller.scope.places else true(),
    )
    if caller.role in SEAH_ROLES:
        return and_(is_seah, in_scope)
    if caller.role is Role.ADB_HQ_EXEC:
        return or_(own, in_scope)
    return or_(own, and_(~is_seah, in_scope))


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


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    wanted = {
        Grievance.status: filters.status,
        Grievance.category: filters.category,
        Grievance.municipality: filters.municipality,
        Grievance.project_type: filters.project_type,
        Grievance.level: filters.level,
    }
    conditions = [column == value for column, value in wanted.items() if value is not None]
    if filters.date_from:
        conditions.append(Grievance.created_at >= filters.date_from)
    if filters.date_to:
        conditions.append(Grievance.created_at < filters.date_to)
    return conditions or [~false()]
