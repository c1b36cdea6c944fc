"""What the gateway asks before somebody watches a task: who may read it may watch it."""

from fastapi import Response

from libs.common.permissions import Permission
from libs.common.web.auth import OnBehalfOf, Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import PathId, router
from libs.common.web.units import Uow
from services.tasks.repository import TaskNotFound
from services.tasks.routes.deps import Owners
from services.tasks.routes.ledger import visible

routes = router(prefix="/internal/watch", tag="internal")


class TaskWatched(Schema):
    id: str


@routes.get("/{task_id}", response_model=Success[TaskWatched])
async def watch_task(
    task_id: PathId, caller: Service, person: OnBehalfOf, uow: Uow, owners: Owners
) -> Response:
    """The task, for somebody who may watch it. 404 for everybody else."""
    if person is None or not person.may(Permission.TASK_READ):
        raise TaskNotFound("There is no such task.")
    task = await visible(task_id, person, Permission.TASK_READ, uow, owners)
    return answer(Success(data=TaskWatched(id=task.task_id)))
