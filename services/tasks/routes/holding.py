"""Everything this service holds on somebody, for their export."""

import json
from collections.abc import Sequence
from typing import Any

from libs.common.db.uow import Transaction
from libs.common.web.holding import holding_routes
from services.tasks.domain.classifying import (
    CaseArguments,
    case_subject,
    classify_and_summarize_grievance,
)
from services.tasks.domain.ledger import RESULT
from services.tasks.models import Task
from services.tasks.repository import TaskRepository


async def everything_held(tx: Transaction, user_id: int, cases: Sequence[str]) -> dict[str, Any]:
    """What was read out of the cases of a person: it is known by those alone."""
    repository, name = TaskRepository(tx.session), classify_and_summarize_grievance.name
    found = [await repository.of_subject(name, each) for each in sorted(set(cases))]
    return {"readings": [await _reading(tx, task) for task in found if task is not None]}


routes = holding_routes(everything_held)


async def _reading(tx: Transaction, task: Task) -> dict[str, Any]:
    subject = case_subject(CaseArguments.model_validate(task.arguments))
    key = (await tx.vault.surviving_keys([subject])).get(subject)
    is_there = key is not None and task.result is not None
    result = json.loads(key.open(RESULT, task.task_id, task.result)) if is_there else None  # type: ignore[union-attr,arg-type]
    return {"grievance_id": task.subject, "status": task.status_code, "result": result}
