"""The ledger as people see it: one task by who may see what it is about, all by administrators.

Tasks of SEAH cases are not in it.
"""

import asyncio
import re
from collections import Counter
from datetime import timedelta
from typing import Annotated

from fastapi import Query, Request, Response

from libs.common.clock import monotonic, utc_now
from libs.common.db.paging import Cursor
from libs.common.permissions import Permission, Reach
from libs.common.principal import Principal
from libs.common.web.responses import Page, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import RequestUnit, Uow
from services.tasks.clients.owners import OwnersClient
from services.tasks.domain import intervening
from services.tasks.domain.registry import Registry
from services.tasks.models import State, Task
from services.tasks.repository import Filters, TaskNotFound, TaskRepository
from services.tasks.routes.deps import Owners, TaskCounter, TaskLister, TaskManager, TaskWaiter
from services.tasks.schemas import KindRead, TaskListQuery, TaskQuery, TaskRead, TaskStats

routes = router(prefix="/api/v1/tasks", tag="tasks")
LOOK_SECONDS = 0.2
_ID = re.compile(r"[A-Za-z0-9._-]{1,50}")


@routes.get("", response_model=Success[Page[TaskRead]])
async def list_tasks(
    query: Annotated[TaskListQuery, Query()], caller: TaskLister, uow: Uow
) -> Response:
    """The newest tasks."""
    after = Cursor.parse(query.cursor) if query.cursor else None
    filters = Filters(query.status, query.task_name)
    async with uow.read() as tx:
        found = await TaskRepository(tx.session).page(filters, after=after, limit=query.limit)
    items = [TaskRead.model_validate(row) for row in found[: query.limit]]
    is_more = len(found) > query.limit
    cursor = str(Cursor(items[-1].created_at, items[-1].task_id)) if is_more else None
    return answer(Success(data=Page(items=items, next_cursor=cursor)))


@routes.get("/stats", response_model=Success[TaskStats])
async def read_stats(caller: TaskCounter, uow: Uow, request: Request) -> Response:
    """What kinds of work there are, how many tasks stand where, and lost workers of the day."""
    registry: Registry = request.app.state.registry
    async with uow.read() as tx:
        repository = TaskRepository(tx.session)
        found = await repository.counts()
        incidents = await repository.incidents(utc_now() - timedelta(days=1))
    totals: Counter[State] = Counter()
    for (_, state), count in found.items():
        totals[State(state)] += count
    kinds = [
        KindRead(
            task_name=kind.name,
            lane=kind.lane,
            retries=kind.retries,
            counts={State(s): count for (name, s), count in found.items() if name == kind.name},
        )
        for kind in registry.values()
    ]
    return answer(Success(data=TaskStats(kinds=kinds, counts=dict(totals), incidents=incidents)))


@routes.get("/{task_id}", response_model=Success[TaskRead])
async def read_task(
    task_id: str,
    query: Annotated[TaskQuery, Query()],
    caller: TaskWaiter,
    uow: Uow,
    owners: Owners,
) -> Response:
    """One task. With `wait`, the answer comes when it ended, or after that many seconds."""
    until = monotonic() + query.wait
    task = await visible(task_id, caller, Permission.TASK_READ, uow, owners)
    while not State(task.status_code).is_final and monotonic() < until:
        await asyncio.sleep(min(LOOK_SECONDS, max(0.0, until - monotonic())))
        task = await _look(uow, task_id)
    return answer(Success(data=TaskRead.model_validate(task)))


@routes.post("/{task_id}/cancel", response_model=Success[TaskRead])
async def cancel_task(task_id: str, caller: TaskManager, uow: Uow, owners: Owners) -> Response:
    """Cancel a task that has not ended; what is under way is thrown away when it comes."""
    await visible(task_id, caller, Permission.TASK_MANAGE, uow, owners)
    async with uow.begin() as tx:
        task = await TaskRepository(tx.session).get_visible(task_id, for_update=True)
        await intervening.cancel(tx, task, by=caller)
        return answer(Success(data=TaskRead.model_validate(task)), tx=tx)


@routes.post("/{task_id}/retry", response_model=Success[TaskRead])
async def retry_task(task_id: str, caller: TaskManager, uow: Uow, owners: Owners) -> Response:
    """Do a failed or cancelled task again, from the beginning."""
    await visible(task_id, caller, Permission.TASK_MANAGE, uow, owners)
    async with uow.begin() as tx:
        task = await TaskRepository(tx.session).get_visible(task_id, for_update=True)
        await intervening.redo(tx, task, by=caller)
        return answer(Success(data=TaskRead.model_validate(task)), tx=tx)


async def visible(
    task_id: str,
    caller: Principal,
    permission: Permission,
    uow: RequestUnit,
    owners: OwnersClient,
) -> Task:
    """A task of what `caller` may see, as its owner says. Raises TaskNotFound."""
    task = await _look(uow, task_id)
    if caller.reach(permission) is not Reach.ALL and not await owners.shows(
        task.owner, task.subject
    ):
        raise TaskNotFound("There is no such task.")
    return task


async def _look(uow: RequestUnit, task_id: str) -> Task:
    async with uow.read() as tx:
        return await TaskRepository(tx.session).get_visible(_known(task_id))


def _known(task_id: str) -> str:
    """The id, if it could be one: a database need not be asked for what could not. 404 if not."""
    if not _ID.fullmatch(task_id):
        raise TaskNotFound("There is no such task.")
    return task_id
