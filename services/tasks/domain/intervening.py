"""What people do to a task: stop it, or have it done again. Each is on record."""

from datetime import timedelta

from libs.common import auditing
from libs.common.clock import utc_now
from libs.common.contracts.tasks import TaskCancelled, TaskQueued
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict
from libs.common.principal import Principal
from services.tasks.domain.lanes import READY
from services.tasks.domain.ledger import AGAIN_SECONDS, end, moved
from services.tasks.models import Act, Lane, State, Task


class TaskFinished(Conflict):
    """The task has come to its end already."""

    code = "TASK_FINISHED"


class TaskNotRetryable(Conflict):
    """Only a task that failed or was cancelled is done again by hand."""

    code = "TASK_NOT_RETRYABLE"


async def cancel(tx: Transaction, task: Task, *, by: Principal) -> None:
    """Stop a task; what an attempt under way comes to is thrown away. Raises TaskFinished."""
    if State(task.status_code).is_final:
        raise TaskFinished("The task has come to its end already.", status=task.status_code)
    end(task, State.REVOKED, utc_now())
    await moved(tx, task, "cancelled")
    tx.publish(TaskCancelled(task_id=task.task_id, task_name=task.task_name))
    _audit(tx, Act.CANCELLED, task, by)


async def redo(tx: Transaction, task: Task, *, by: Principal) -> None:
    """Do a failed or cancelled task again, from the beginning. Raises TaskNotRetryable."""
    if task.status_code not in {State.FAILURE, State.REVOKED}:
        raise TaskNotRetryable(
            "Only a task that failed or was cancelled can be retried.", status=task.status_code
        )
    now = utc_now()
    task.status_code = State.PENDING
    task.retry_count = 0
    task.error_message = None
    task.run_at = task.updated_at = now
    task.announce_at = now + timedelta(seconds=AGAIN_SECONDS)
    lane = Lane(task.lane)
    await moved(tx, task, "queued", lane=lane)
    tx.publish(TaskQueued(task_id=task.task_id, task_name=task.task_name, lane=lane))
    tx.publish(READY[lane](task_id=task.task_id))
    _audit(tx, Act.RETRIED, task, by)


def _audit(tx: Transaction, act: Act, task: Task, by: Principal) -> None:
    target, name = f"task:{task.task_id}", task.task_name
    auditing.record(tx, act, by=by, target=target, restricted=task.restricted, task_name=name)
