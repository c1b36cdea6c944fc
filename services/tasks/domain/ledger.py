"""The ledger: every move of a task is one transaction with its log row and its fact."""

import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from libs.common.clock import utc_now
from libs.common.contracts.tasks import (
    TaskFailed,
    TaskQueued,
    TaskRetrying,
    TaskStarted,
    TaskSucceeded,
)
from libs.common.db.uow import Transaction
from libs.common.ids import new_id
from services.tasks.domain.lanes import READY
from services.tasks.domain.registry import Kind, Outcome
from services.tasks.models import Lane, State, SystemMonitoring, Task, TaskLog
from services.tasks.repository import TaskRepository

AGAIN_SECONDS = 60.0
"""A task nobody has taken is announced again after this: announcements may be lost, rows not."""

LOST_WORKERS = 5
"""So often a task may lose its worker beyond its retries: what kills workers is stopped."""

FILE_TASKS = frozenset({"process_file"})
"""Work whose progress `file_processing` shows."""

RESULT = "tasks.result"


async def enqueue(
    tx: Transaction, kind: Kind, arguments: BaseModel, *, subject: str, owner: str
) -> str | None:
    """Put work on the ledger and tell its lane; None when the subject has that work already."""
    now = utc_now()
    task_id = new_id()
    is_new = await TaskRepository(tx.session).add(
        task_id=task_id,
        task_name=kind.name,
        subject=subject,
        owner=owner,
        lane=kind.lane,
        arguments=arguments.model_dump(mode="json"),
        restricted=tx.is_restricted,
        status_code=State.PENDING,
        retry_count=0,
        attempt=0,
        run_at=now,
        announce_at=now + timedelta(seconds=AGAIN_SECONDS),
        created_at=now,
        updated_at=now,
    )
    if not is_new:
        return None
    _log(tx, task_id, "queued", now, lane=kind.lane)
    tx.publish(TaskQueued(task_id=task_id, task_name=kind.name, lane=kind.lane))
    tx.publish(READY[kind.lane](task_id=task_id))
    return task_id


async def claim(tx: Transaction, task_id: str, *, seconds: float) -> Task | None:
    """Take a task for `seconds`; None when it is done, not due, or another's."""
    task = await TaskRepository(tx.session).claim(task_id, seconds=seconds)
    if task is not None:
        await moved(tx, task, "started", attempt=task.attempt)
        fact = TaskStarted(task_id=task_id, task_name=task.task_name, attempt=task.attempt)
        tx.publish(fact, restricted=task.restricted)
    return task


async def renew(tx: Transaction, task_id: str, attempt: int, *, seconds: float) -> bool:
    """Hold a task on; False when another attempt counts by now."""
    return await TaskRepository(tx.session).renew(task_id, attempt, seconds=seconds)


async def succeed(
    tx: Transaction, task_id: str, attempt: int, kind: Kind, outcome: Outcome
) -> bool:
    """Write what came of an attempt, and tell; False, and nothing written, if it came late."""
    task = await TaskRepository(tx.session).held(task_id, attempt)
    if task is None:
        return False
    now = utc_now()
    subject = kind.sealed_for(kind.arguments.model_validate(task.arguments))
    key = await tx.vault.key_or_new(subject)
    if key is not None:
        task.result = key.seal(RESULT, task_id, json.dumps(outcome.result))
    end(task, State.SUCCESS, now)
    await moved(tx, task, "succeeded", attempt=attempt)
    for fact in outcome.facts:
        tx.publish(fact, restricted=task.restricted)
    fact = TaskSucceeded(task_id=task_id, task_name=task.task_name)
    tx.publish(fact, restricted=task.restricted)
    return True


async def fail(
    tx: Transaction, task_id: str, attempt: int, kind: Kind | None, *, reason: str
) -> bool:
    """Write that an attempt failed: it is tried again after a while, or it was the last one.

    Without a `kind` trying again is pointless. False, and nothing written, if it came late.
    """
    repository = TaskRepository(tx.session)
    task = await repository.held(task_id, attempt)
    if task is None:
        return False
    now = await repository.now()
    if kind is None or task.retry_count >= kind.retries:
        await _give_up(tx, task, now, reason)
        return True
    # Full jitter: what failed together does not come back together.
    pause = random.uniform(0, kind.backoff(task.retry_count))  # noqa: S311
    task.status_code = State.RETRY
    task.retry_count += 1
    task.error_message = reason
    task.lease_until = None
    task.run_at = task.announce_at = now + timedelta(seconds=pause)
    task.updated_at = now
    await moved(tx, task, "retrying", attempt=attempt, reason=reason, seconds=round(pause, 1))
    fact = TaskRetrying(task_id=task_id, task_name=task.task_name, attempt=attempt, reason=reason)
    tx.publish(fact, restricted=task.restricted)
    return True


async def give_back(tx: Transaction, task_id: str, attempt: int) -> bool:
    """The worker is leaving: its task is ready for another at once."""
    repository = TaskRepository(tx.session)
    task = await repository.held(task_id, attempt)
    if task is None:
        return False
    now = await repository.now()
    task.status_code = State.RETRY if task.retry_count else State.PENDING
    task.lease_until = None
    task.run_at = task.announce_at = task.updated_at = now
    await moved(tx, task, "given_back", attempt=attempt)
    return True


async def announce_due(
    tx: Transaction, *, lanes: Sequence[Lane], retries: dict[str, int], limit: int
) -> int:
    """Tell `lanes` of what is due, has waited long, or lost its worker; answer how many."""
    repository = TaskRepository(tx.session)
    now = await repository.now()
    due = await repository.to_announce(now, lanes=lanes, limit=limit)
    for task in due:
        if task.status_code == State.STARTED:
            _record(tx, "worker_lost", now, task_id=task.task_id, attempt=task.attempt)
            if task.attempt > retries.get(task.task_name, 0) + LOST_WORKERS:
                await _give_up(tx, task, now, "WORKER_LOST")
                continue
        task.announce_at = now + timedelta(seconds=AGAIN_SECONDS)
        ready = READY[Lane(task.lane)](task_id=task.task_id)
        tx.publish(ready, restricted=task.restricted)
    return len(due)


def record_kill(tx: Transaction, task_id: str, attempt: int, *, reason: str) -> None:
    """Keep in mind that a child had to be killed, or died."""
    _record(tx, "child_lost", utc_now(), task_id=task_id, attempt=attempt, reason=reason)


def end(task: Task, state: State, now: datetime) -> None:
    """Let `task` be over: nobody holds it, and it is announced no more."""
    task.status_code = state
    task.lease_until = task.announce_at = None
    task.error_message = None
    task.updated_at = now


async def moved(tx: Transaction, task: Task, event_type: str, **data: Any) -> None:
    """Write down a move that `task` has made."""
    _log(tx, task.task_id, event_type, task.updated_at, **data)
    if task.task_name in FILE_TASKS:
        await TaskRepository(tx.session).mirror(task)


async def _give_up(tx: Transaction, task: Task, now: datetime, reason: str) -> None:
    end(task, State.FAILURE, now)
    task.error_message = reason
    await moved(tx, task, "failed", attempt=task.attempt, reason=reason)
    fact = TaskFailed(task_id=task.task_id, task_name=task.task_name, reason=reason)
    tx.publish(fact, restricted=task.restricted)


def _log(tx: Transaction, task_id: str, event_type: str, at: datetime, **data: Any) -> None:
    tx.insert(TaskLog, task_id=task_id, event_type=event_type, event_data=data, created_at=at)


def _record(tx: Transaction, event_type: str, at: datetime, **data: Any) -> None:
    tx.insert(
        SystemMonitoring,
        service_name="tasks",
        event_type=event_type,
        event_data=data,
        created_at=at,
    )
