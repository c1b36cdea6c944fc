"""Everything this service holds on somebody, for their export."""

import json
from typing import Annotated, Any

from fastapi import Query, Response

from libs.common.db.uow import Transaction
from libs.common.web.auth import Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.tasks.domain.classifying import (
    CaseArguments,
    case_subject,
    classify_and_summarize_grievance,
)
from services.tasks.domain.ledger import RESULT
from services.tasks.models import Task
from services.tasks.repository import TaskRepository

routes = router(prefix="/internal/people", tag="internal")
Cases = Annotated[list[str], Query(max_length=1000)]


class Holding(Schema):
    held: dict[str, Any]


@routes.get("/{user_id}/export", response_model=Success[Holding])
async def everything_held(
    user_id: int,
    caller: Service,
    uow: Uow,
    case: Cases = [],  # noqa: B006 - read only
) -> Response:
    """What was read out of the cases of a person."""
    async with uow.read() as tx:
        repository, name = TaskRepository(tx.session), classify_and_summarize_grievance.name
        found = [await repository.of_subject(name, each) for each in sorted(set(case))]
        held = [await _reading(tx, task) for task in found if task is not None]
    return answer(Success(data=Holding(held={"readings": held})))


async def _reading(tx: Transaction, task: Task) -> dict[str, Any]:
    subject = case_subject(CaseArguments.model_validate(task.arguments))
    key = (await tx.vault.surviving_keys([subject])).get(subject)
    is_there = key is not None and task.result is not None
    result = json.loads(key.open(RESULT, task.task_id, task.result)) if is_there else None  # type: ignore[union-attr,arg-type]
    return {"grievance_id": task.subject, "status": task.status_code, "result": result}
