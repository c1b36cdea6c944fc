"""Cases and what hangs on them."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, and_, delete, or_, select, update

from libs.common.db.paging import Cursor
from libs.common.db.uow import Transaction
from libs.common.errors import NotFound
from libs.common.principal import Principal
from libs.language.sensitivity import Sensitivity
from services.grievance.models import (
    CaseFile,
    CaseWord,
    Grievance,
    Note,
    Party,
    StatusHistory,
)
from services.grievance.repository.seeing import Filters, newest_seen, sight


class GrievanceNotFound(NotFound):
    """No such case, or none for this caller."""

    code = "GRIEVANCE_NOT_FOUND"


class GrievanceRepository:
    """Cases and what hangs on them, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._session = tx.session
        self._blind = tx.vault.blind

    async def get(self, grievance_id: str, *, for_update: bool = False) -> Grievance:
        """A case, whoever asks: for our own programs and for events. Raises GrievanceNotFound."""
        return await self._one(Grievance.grievance_id == grievance_id, for_update=for_update)

    async def get_for(
        self, caller: Principal, grievance_id: str, *, for_update: bool = False
    ) -> Grievance:
        """A case `caller` may see. Raises GrievanceNotFound."""
        wanted = and_(Grievance.grievance_id == grievance_id, self._visible_to(caller))
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
        return await self._all(newest_seen(caller, filters, self._blind, after=after, limit=limit))

    async def shared_with(
        self,
        caller: Principal,
        *,
        about: Collection[int],
        filed_by: Collection[int],
        grievance_id: str | None,
    ) -> dict[int, set[str]]:
        """Of whom `caller` may see a case, and how sensitive those cases are.

        Whom the vault found behind a contact is one of those it is `about`; of who only
        wrote cases down for others, none counts that they filed.
        """
        wanted = [self._visible_to(caller)]
        if grievance_id is not None:
            wanted.append(Grievance.grievance_id == grievance_id)
        return await self._kinds(about, filed_by, *wanted)

    async def kept_apart(self, *, about: Collection[int], filed_by: Collection[int]) -> set[int]:
        """Who has SEAH cases and no others: they exist for nobody those do not exist for."""
        found = await self._kinds(about, filed_by)
        return {user_id for user_id, kinds in found.items() if kinds == {Sensitivity.SEAH}}

    async def _kinds(
        self, about: Collection[int], filed_by: Collection[int], *wanted: ColumnElement[bool]
    ) -> dict[int, set[str]]:
        """Who of them has such cases, and how sensitive those are."""
        filers = {f"user:{user_id}": user_id for user_id in filed_by}
        columns = Grievance.user_id, Grievance.filed_by, Grievance.is_for_another
        by_them = and_(Grievance.filed_by.in_(list(filers)), ~Grievance.is_for_another)
        query = select(*columns, Grievance.sensitivity).where(
            or_(Grievance.user_id.in_(about), by_them), *wanted
        )
        found: dict[int, set[str]] = {}
        for person, filer, is_for_another, sensitivity in await self._session.execute(
            query.distinct()
        ):
            of_filer = None if is_for_another else filers.get(filer)
            for user_id in {person, of_filer}:
                if user_id is not None and (user_id == of_filer or user_id in about):
                    found.setdefault(user_id, set()).add(sensitivity)
        return found

    async def forget_words(self, grievance_id: str) -> None:
        """Have a case be found by nothing: what it is found by from now on comes after this."""
        of_case = CaseWord.grievance_id == grievance_id
        await self._session.execute(delete(CaseWord).where(of_case))

    async def hand_over(self, was: str, *, to: int) -> Sequence[str]:
        """What `was` filed, or is about them, is `to`'s; answer the ids of what is about `to` now.

        What a guest filed is about them, unless it is about somebody the vault knows.
        """
        kind, _, number = was.partition(":")
        filed, about = Grievance.filed_by == was, Grievance.user_id
        theirs = about == int(number) if kind == "user" else and_(filed, about.is_(None))
        now = update(Grievance).where(theirs).values(user_id=to).returning(Grievance.grievance_id)
        cases = await self._all(now)
        await self._session.execute(update(Grievance).where(filed).values(filed_by=f"user:{to}"))
        return cases

    async def of_person(self, user_id: int, *, for_update: bool = False) -> Sequence[Grievance]:
        """The cases somebody filed for themselves, or is the contact of, in a fixed order."""
        query = select(Grievance).where(_of(user_id)).order_by(Grievance.grievance_id)
        return await self._all(query.with_for_update() if for_update else query)

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

    def _visible_to(self, caller: Principal) -> ColumnElement[bool]:
        return sight(caller, self._blind).anywhere()

    async def _one(self, wanted: ColumnElement[bool], *, for_update: bool) -> Grievance:
        query = select(Grievance).where(wanted)
        if for_update:
            query = query.with_for_update()
        found: Grievance | None = await self._session.scalar(query)
        if found is None:
            raise GrievanceNotFound("There is no such grievance.")
        return found

    async def _all(self, query: Executable) -> Sequence[Any]:
        return (await self._session.scalars(query)).all()


def _of(user_id: int) -> ColumnElement[bool]:
    """The cases that are about somebody: what staff filed for another is about that other."""
    is_filer = and_(Grievance.filed_by == f"user:{user_id}", ~Grievance.is_for_another)
    return or_(Grievance.user_id == user_id, is_filer)
