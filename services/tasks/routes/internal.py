"""What other services of ours ask: what came of a task."""

import json

from fastapi import Response

from libs.common.crypto.sealing import CannotOpen
from libs.common.web.auth import Service
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.tasks.domain.classifying import (
    CaseArguments,
    case_subject,
    classify_and_summarize_grievance,
)
from services.tasks.domain.ledger import RESULT
from services.tasks.repository import TaskNotFound, TaskRepository
from services.tasks.schemas import ReadingResult, TaskRead

routes = router(prefix="/internal/tasks", tag="internal")


@routes.get("/{task_id}", response_model=Success[TaskRead])
async def read_any_task(task_id: str, caller: Service, uow: Uow) -> Response:
    """One task, of a restricted case too."""
    async with uow.read() as tx:
        task = await TaskRepository(tx.session).get(task_id)
    return answer(Success(data=TaskRead.model_validate(task)))


@routes.get("/{task_id}/result", response_model=Success[ReadingResult])
async def read_result(task_id: str, caller: Service, uow: Uow) -> Response:
    """What reading a grievance came to. 404 until it has, and when the case was erased."""
    async with uow.read() as tx:
        task = await TaskRepository(tx.session).get(task_id)
        if task.task_name != classify_and_summarize_grievance.name or task.result is None:
            raise TaskNotFound("This task has no reading.")
        subject = case_subject(CaseArguments.model_validate(task.arguments))
        try:
            key = await tx.vault.key(subject)
            found = json.loads(key.open(RESULT, task_id, task.result))
        except CannotOpen:
            raise TaskNotFound("What was read was erased.") from None
    return answer(Success(data=ReadingResult.model_validate(found)))
