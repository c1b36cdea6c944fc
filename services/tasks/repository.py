"""Questions to the tasks schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.clock import utc_now
from libs.common.db.leases import database_now
from libs.common.db.paging import Cursor, newest_first
from libs.common.db.writes import changed, insert_new
from libs.common.errors import NotFound
from services.tasks.models import FileProcessing, State, SystemMonitoring, Task

WAITING = (State.PENDING, State.RETRY)


class TaskNotFound(NotFound):
    """No such task, or none for this caller."""

    code = "TASK_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed down to."""

    status: str | None = None
    task_name: str | None = None


class TaskRepository:
    """Tasks, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def now(self) -> datetime:
        """This moment by the database's clock, which all workers share."""
        if self._session.get_bind().dialect.name == "sqlite":
            return utc_now()  # The file is on this machine, and so is its clock.
        found: datetime = (
            await self._session.execute(select(database_now(self._session)))
        ).scalar_one()
        return found

    async def add(self, **values: Any) -> bool:
        """Write a new task; False when its subject has one of that name."""
        return await insert_new(self._session, Task.__table__, **values)  # type: ignore[arg-type]

    async def get(self, task_id: str, *, for_update: bool = False) -> Task:
        """A task, whoever asks. Raises TaskNotFound."""
        return await self._one(task_id, for_update=for_update)

    async def get_visible(self, task_id: str, *, for_update: bool = False) -> Task:
        """A task people may see: none of a restricted case. Raises TaskNotFound."""
        return await self._one(task_id, Task.restricted.is_(False), for_update=for_update)

    async def of_subject(self, task_name: str, subject: str) -> Task | None:
        """The task of that name about `subject`, to be changed."""
        query = select(Task).where(Task.task_name == task_name, Task.subject == subject)
        found: Task | None = await self._session.scalar(query.with_for_update())
        return found

    async def claim(self, task_id: str, *, seconds: float) -> Task | None:
        """Make this attempt the one that counts, or None: it is done, not due, or another's.

        One statement, so of many workers told of the same task one gets it.
        """
        now = await self.now()
        due = and_(Task.status_code.in_(WAITING), Task.run_at <= now)
        lost = and_(Task.status_code == State.STARTED, Task.lease_until < now)
        until = now + timedelta(seconds=seconds)
        statement = (
            update(Task)
            .where(Task.task_id == task_id, or_(due, lost))
            .values(
                status_code=State.STARTED,
                attempt=Task.attempt + 1,
                lease_until=until,
                announce_at=until,
                updated_at=now,
            )
            .returning(Task)
            .execution_options(synchronize_session=False)
        )
        found: Task | None = await self._session.scalar(statement)
        return found

    async def renew(self, task_id: str, attempt: int, *, seconds: float) -> bool:
        """Hold a task for `seconds` from now; False when this attempt counts no more."""
        until = await self.now() + timedelta(seconds=seconds)
        mine = and_(
            Task.task_id == task_id, Task.attempt == attempt, Task.status_code == State.STARTED
        )
        statement = update(Task).where(mine).values(lease_until=until, announce_at=until)
        statement = statement.execution_options(synchronize_session=False)
        return bool(await changed(self._session, statement))

    async def held(self, task_id: str, attempt: int) -> Task | None:
        """The task, locked, if `attempt` is still the one that counts; late writers get None."""
        query = select(Task).where(
            Task.task_id == task_id, Task.attempt == attempt, Task.status_code == State.STARTED
        )
        found: Task | None = await self._session.scalar(query.with_for_update())
        return found

    async def to_announce(
        self, now: datetime, *, lanes: Sequence[str], limit: int
    ) -> Sequence[Task]:
        """Tasks of `lanes` to be told of (again); rows another round has are left to it."""
        query = (
            select(Task)
            .where(Task.announce_at <= now, Task.lane.in_(lanes))
            .order_by(Task.announce_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.scalars(query)).all()

    async def page(self, filters: Filters, *, after: Cursor | None, limit: int) -> Sequence[Task]:
        """The newest tasks people may see; one more than `limit` when there is a next page."""
        query = select(Task).where(Task.restricted.is_(False))
        if filters.status:
            query = query.where(Task.status_code == filters.status)
        if filters.task_name:
            query = query.where(Task.task_name == filters.task_name)
        at, row = Task.created_at.expression, Task.task_id.expression
        paged = newest_first(query, at, row, after=after, limit=limit)
        return (await self._session.scalars(paged)).all()

    async def counts(self) -> dict[tuple[str, str], int]:
        """How many tasks people may see, by name and state."""
        query = (
            select(Task.task_name, Task.status_code, func.count())
            .where(Task.restricted.is_(False))
            .group_by(Task.task_name, Task.status_code)
        )
        return {(name, state): count for name, state, count in await self._session.execute(query)}

    async def incidents(self, since: datetime) -> dict[str, int]:
        """What befell the workers since then, counted."""
        query = (
            select(SystemMonitoring.event_type, func.count())
            .where(SystemMonitoring.created_at >= since)
            .group_by(SystemMonitoring.event_type)
        )
        rows = await self._session.execute(query)
        return {str(row[0]): int(row[1]) for row in rows}

    async def mirror(self, task: Task) -> None:
        """Let the file a task looks into show how far that has come."""
        statement = update(FileProcessing).where(FileProcessing.task_id == task.task_id)
        values = {"status": task.status_code, "updated_at": task.updated_at}
        await self._session.execute(statement.values(values))

    async def _one(self, task_id: str, *more: Any, for_update: bool) -> Task:
        query = select(Task).where(Task.task_id == task_id, *more)
        if for_update:
            query = query.with_for_update()
        found: Task | None = await self._session.scalar(query)
        if found is None:
            raise TaskNotFound("There is no such task.")
        return found
