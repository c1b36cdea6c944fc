"""The engine: done once, within limits, by workers that may die."""

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx2
from pydantic import BaseModel
from sqlalchemy import select, update

from libs.common.clock import utc_now
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.tasks import (
    DefaultTaskReady,
    LlmTaskReady,
    TaskClassified,
    TaskFailed,
    TaskRetrying,
    TaskStarted,
    TaskSucceeded,
)
from libs.common.db.uow import Transaction
from libs.common.events import Envelope
from libs.common.testing.stage import Stage, until
from services.tasks.app import create_app
from services.tasks.clients.children import Children
from services.tasks.clients.messengers import Messengers
from services.tasks.clients.peers import FilesClient, GrievanceClient, UsersClient
from services.tasks.clients.people import PeopleClient
from services.tasks.domain import ledger
from services.tasks.domain.registry import Job, Kind, Outcome, Tools, registry_of, task
from services.tasks.models import Lane, State, SystemMonitoring, Task, TaskLog
from services.tasks.worker.lanes import Limits, Worker
from tests.service.tasks.conftest import (
    a_case,
    has_text,
    only_task,
    raised,
    tasks_of,
    until_state,
)

Raise = Callable[..., Awaitable[Stage]]


class Nothing(BaseModel):
    """Work without arguments."""


def a_kind(
    work: Callable[[Job], Awaitable[Any]],
    *,
    name: str = "work",
    retries: int = 0,
    pause: float = 0.0,
) -> Kind:
    """Work of a test: its result is what `work` answers."""

    async def doing(_: Nothing, job: Job) -> Outcome:
        return Outcome({"answer": await work(job)})

    doing.__name__ = name
    return task(
        lane=Lane.DEFAULT,
        retries=retries,
        backoff=lambda _: pause,
        arguments=Nothing,
        sealed_for=lambda _: "test:1",
    )(doing)


async def a_stage(raise_stage: Raise, *kinds: Kind, **settings: Any) -> Stage:
    create = partial(create_app, registry=registry_of(*kinds))
    fast = {"children": 2, "sweep_seconds": 0.05}
    return await raised(raise_stage, create, **(fast | settings))


async def enqueue(stage: Stage, kind: Kind, subject: str = "one") -> str:
    async with stage.uow.begin() as tx:
        task_id = await ledger.enqueue(tx, kind, Nothing(), subject=subject, owner="test")
    assert task_id is not None
    return task_id


async def nudge(stage: Stage, task_id: str, *, times: int = 1) -> None:
    for _ in range(times):
        await stage.publish(Envelope.of(DefaultTaskReady(task_id=task_id), source="test"))


async def nudge_until(stage: Stage, task_id: str, started: asyncio.Event) -> None:
    """Announce a task until a worker that was just started has taken it."""

    async def is_taken() -> bool:
        await nudge(stage, task_id)
        return started.is_set()

    await until(is_taken)


async def logged(stage: Stage, task_id: str) -> list[str]:
    query = select(TaskLog.event_type).where(TaskLog.task_id == task_id).order_by(TaskLog.log_id)
    async with stage.uow.read() as tx:
        return list(await tx.session.scalars(query))


async def test_many_announcements_of_a_task_do_it_once(raise_stage: Raise) -> None:
    """reliability.md, fault 9: announcements are at least once, the effect is exactly once."""
    runs = []

    async def count(job: Job) -> int:
        runs.append(job.attempt)
        await asyncio.sleep(0)
        return len(runs)

    kind = a_kind(count)
    stage = await a_stage(raise_stage, kind)
    task_id = await enqueue(stage, kind)
    await nudge(stage, task_id, times=20)
    await until_state(stage, State.SUCCESS)
    await nudge(stage, task_id, times=5)
    last = await enqueue(stage, kind, "last")  # what comes after them is done after them

    async def is_done() -> bool:
        return any(t.task_id == last and t.status_code == "SUCCESS" for t in await tasks_of(stage))

    await until(is_done)
    assert runs == [1, 1]
    assert [fact.task_id for fact in await stage.said(TaskSucceeded)] == [task_id, last]


async def test_a_case_told_of_twice_is_read_once(stage: Stage) -> None:
    has_text(stage, "No water for three days in ward five.")
    await stage.say(a_case())
    await stage.say(a_case())
    await until_state(stage, State.SUCCESS)

    assert len(await stage.said(TaskClassified)) == 1


async def test_work_that_spins_is_killed_and_its_neighbour_is_not(raise_stage: Raise) -> None:
    """S1-15: the hard limit kills; the soft one is out of the way here."""

    async def spin(job: Job) -> int:
        return len(str(await job.tools.children.run(math.factorial, 50_000_000)))

    async def rest(job: Job) -> None:
        await job.tools.children.run(time.sleep, 0.5)

    spinning, resting = a_kind(spin, name="spin"), a_kind(rest, name="rest")
    stage = await a_stage(raise_stage, spinning, resting, hard_limit=3, soft_limit=20)
    spun, rested = await enqueue(stage, spinning), await enqueue(stage, resting)

    async def both_ended() -> bool:
        return all(State(each.status_code).is_final for each in await tasks_of(stage))

    await until(both_ended, seconds=20)
    found = {each.task_id: (each.status_code, each.error_message) for each in await tasks_of(stage)}
    assert found == {spun: ("FAILURE", "HARD_TIME_LIMIT"), rested: ("SUCCESS", None)}
    assert await logged(stage, spun) == ["queued", "started", "failed"]
    async with stage.uow.read() as tx:
        [incident] = await tx.session.scalars(select(SystemMonitoring))
    assert (incident.event_type, incident.event_data["task_id"]) == ("child_lost", spun)


async def test_a_child_that_dies_fails_only_what_it_did(raise_stage: Raise) -> None:
    """reliability.md, fault 30."""

    async def die(job: Job) -> None:
        await job.tools.children.run(os._exit, 7)

    async def live(job: Job) -> int:
        return await job.tools.children.run(abs, -7)

    dying, living = a_kind(die, name="die"), a_kind(live, name="live")
    stage = await a_stage(raise_stage, dying, living)
    died = await enqueue(stage, dying)

    async def is_failed() -> bool:
        return (await tasks_of(stage))[0].error_message == "CHILD_DIED"

    await until(is_failed)
    lived = await enqueue(stage, living)

    async def is_done() -> bool:
        return any(t.task_id == lived and t.status_code == "SUCCESS" for t in await tasks_of(stage))

    await until(is_done)
    assert died != lived


async def test_work_beyond_the_soft_limit_is_told_and_tried_again(raise_stage: Raise) -> None:
    seen = []

    async def dawdle(job: Job) -> str:
        try:
            await asyncio.sleep(30 if job.attempt == 1 else 0)
        except asyncio.CancelledError:
            seen.append(job.attempt)
            raise
        return "done"

    kind = a_kind(dawdle, retries=1)
    stage = await a_stage(raise_stage, kind, soft_limit=0.1)
    await enqueue(stage, kind)
    found = await until_state(stage, State.SUCCESS)

    assert (found.attempt, found.retry_count, seen) == (2, 1, [1])
    assert [fact.reason for fact in await stage.said(TaskRetrying)] == ["SOFT_TIME_LIMIT"]


async def test_a_task_fails_for_good_when_its_retries_are_used_up(raise_stage: Raise) -> None:
    """S1-21a, S1-24."""

    async def break_down(_: Job) -> None:
        raise RuntimeError("a text that may hold anything")

    kind = a_kind(break_down, retries=2)
    stage = await a_stage(raise_stage, kind)
    task_id = await enqueue(stage, kind)
    found = await until_state(stage, State.FAILURE)

    assert (found.attempt, found.retry_count, found.error_message) == (3, 2, "RuntimeError")
    assert [fact.attempt for fact in await stage.said(TaskStarted)] == [1, 2, 3]
    assert [fact.reason for fact in await stage.said(TaskFailed)] == ["RuntimeError"]
    assert await logged(stage, task_id) == [
        "queued", *["started", "retrying"] * 2, "started", "failed",
    ]  # fmt: skip


async def test_a_retry_waits_for_its_hour(raise_stage: Raise) -> None:
    async def break_down(_: Job) -> None:
        raise RuntimeError

    kind = a_kind(break_down, retries=1, pause=3600.0)
    stage = await a_stage(raise_stage, kind)
    task_id = await enqueue(stage, kind)
    await until_state(stage, State.RETRY)
    await nudge(stage, task_id, times=3)
    async with stage.uow.begin() as tx:
        await tx.session.execute(update(Task).values(run_at=utc_now() + timedelta(hours=1)))
    await nudge(stage, task_id, times=3)
    other = await enqueue(stage, kind, "other")

    async def other_tried() -> bool:
        return any(t.task_id == other and t.status_code == "RETRY" for t in await tasks_of(stage))

    await until(other_tried)
    assert (await tasks_of(stage))[0].attempt == 1

    async with stage.uow.begin() as tx:  # the hour has come
        due = update(Task).where(Task.task_id == task_id)
        await tx.session.execute(due.values(run_at=utc_now(), announce_at=utc_now()))

    async def failed() -> bool:
        return (await tasks_of(stage))[0].status_code == "FAILURE"

    await until(failed)


async def claimed_elsewhere(stage: Stage, task_id: str, *, seconds: float) -> Task:
    """Another worker takes the task."""
    async with stage.uow.begin() as tx:
        found = await ledger.claim(tx, task_id, seconds=seconds)
    assert found is not None
    return found


async def test_a_task_whose_worker_is_lost_is_taken_over(raise_stage: Raise) -> None:
    """reliability.md, fault 30: the lease runs out, and somebody else does it."""

    async def work(job: Job) -> int:
        return job.attempt

    kind = a_kind(work)
    stage = await a_stage(raise_stage, kind, lanes=())
    task_id = await enqueue(stage, kind)
    await claimed_elsewhere(stage, task_id, seconds=-1)

    await until_state(stage, State.STARTED)

    async def announced_again() -> bool:
        return len(await stage.said(DefaultTaskReady)) == 2

    await until(announced_again)
    again = await claimed_elsewhere(stage, task_id, seconds=60)
    assert again.attempt == 2
    async with stage.uow.begin() as tx:
        assert await ledger.claim(tx, task_id, seconds=60) is None


async def test_long_work_that_goes_on_is_not_taken_for_lost(raise_stage: Raise) -> None:
    """The lease is short, so that what is lost is found soon; who works says so."""
    leases: list[datetime | None] = []

    async def work(job: Job) -> int:
        async def renewed() -> bool:
            leases.append((await only_task(stage)).lease_until)
            return len(set(leases)) > 1

        await until(renewed)
        return job.attempt

    kind = a_kind(work)
    stage = await a_stage(raise_stage, kind, lease_seconds=3.0)
    await enqueue(stage, kind)
    found = await until_state(stage, State.SUCCESS)

    assert found.attempt == 1


async def test_a_late_writer_writes_nothing(raise_stage: Raise) -> None:
    """reliability.md, fault 31: the fence is the attempt number."""
    kind = a_kind(_answer)
    stage = await a_stage(raise_stage, kind, lanes=(), sweep_seconds=60)
    task_id = await enqueue(stage, kind)
    await claimed_elsewhere(stage, task_id, seconds=-1)
    await claimed_elsewhere(stage, task_id, seconds=60)

    async def end(attempt: int) -> tuple[bool, bool, bool]:
        async with stage.uow.begin() as tx:
            failed = await ledger.fail(tx, task_id, attempt, kind, reason="LATE")
            given_back = await ledger.give_back(tx, task_id, attempt)
            done = await ledger.succeed(tx, task_id, attempt, kind, Outcome({"by": attempt}))
        return failed, given_back, done

    assert await end(1) == (False, False, False)
    assert (await only_task(stage)).status_code == State.STARTED
    assert [*await stage.said(TaskFailed), *await stage.said(TaskSucceeded)] == []
    async with stage.uow.begin() as tx:
        assert await ledger.succeed(tx, task_id, 2, kind, Outcome({"by": 2}))
    assert len(await stage.said(TaskSucceeded)) == 1


async def _answer(job: Job) -> int:
    return job.attempt


async def test_what_kills_workers_is_stopped_in_the_end(raise_stage: Raise) -> None:
    kind = a_kind(_answer)
    stage = await a_stage(raise_stage, kind, lanes=(), sweep_seconds=60)
    task_id = await enqueue(stage, kind)

    async def lose(tx: Transaction) -> None:
        assert await ledger.claim(tx, task_id, seconds=-1)

    for _ in range(ledger.LOST_WORKERS + 1):
        async with stage.uow.begin() as tx:
            await lose(tx)
        async with stage.uow.begin() as tx:
            await tx.session.execute(update(Task).values(announce_at=utc_now()))
        async with stage.uow.begin() as tx:
            await ledger.announce_due(tx, lanes=list(Lane), retries={kind.name: 0}, limit=10)

    found = await only_task(stage)
    assert (found.status_code, found.error_message) == ("FAILURE", "WORKER_LOST")
    [fact] = await stage.said(TaskFailed)
    assert fact.reason == "WORKER_LOST"


async def test_a_lost_announcement_is_made_again(raise_stage: Raise) -> None:
    """The row is the truth; the message only hurries things along."""
    kind = a_kind(_answer)
    stage = await a_stage(raise_stage, kind)
    async with stage.uow.begin() as tx:
        tx.insert(
            Task,
            task_id="silent",
            task_name=kind.name,
            subject="s",
            owner="test",
            lane=Lane.DEFAULT,
            arguments={},
            restricted=False,
            status_code=State.PENDING,
            retry_count=0,
            attempt=0,
            run_at=utc_now(),
            announce_at=utc_now(),
            created_at=utc_now(),
            updated_at=utc_now(),
        )

    await until_state(stage, State.SUCCESS)


async def test_a_worker_that_leaves_gives_its_task_back(raise_stage: Raise) -> None:
    """reliability.md, fault 33."""
    started = asyncio.Event()

    async def wait(_: Job) -> None:
        started.set()
        await asyncio.sleep(60)

    kind = a_kind(wait)
    stage = await a_stage(raise_stage, kind, lanes=(), sweep_seconds=60)
    worker = Worker(
        stage.uow,
        stage.bus,
        registry=registry_of(kind),
        tools=Tools(
            GrievanceClient(stage.service.peer("grievance")),
            FilesClient(stage.service.peer("files")),
            Children(1, hard_limit=60),
            UsersClient(stage.service.peer("users")),
            Messengers({}, otherwise=None),
            PeopleClient({}),
        ),
        limits=Limits(60, 60, 60),
    )
    working = asyncio.create_task(worker.run([Lane.DEFAULT]))
    task_id = await enqueue(stage, kind)
    await nudge_until(stage, task_id, started)
    working.cancel()
    await asyncio.wait({working})

    found = await only_task(stage)
    assert (found.task_id, found.status_code, found.lease_until) == (task_id, "PENDING", None)
    assert await logged(stage, task_id) == ["queued", "started", "given_back"]


async def test_a_case_is_read_when_grievance_is_back(stage: Stage) -> None:
    await stage.say(a_case())
    found = await until_state(stage, State.RETRY)
    assert found.error_message == "PEER_UNAVAILABLE"

    has_text(stage, "No water for three days in ward five.")
    async with stage.uow.begin() as tx:  # a minute later
        await tx.session.execute(update(Task).values(run_at=utc_now(), announce_at=utc_now()))
    await until_state(stage, State.SUCCESS)


async def test_a_case_that_is_gone_is_not_tried_again(stage: Stage) -> None:
    error = {"code": "GRIEVANCE_NOT_FOUND", "message": "There is no such grievance."}
    gone = httpx2.Response(404, json={"status": "error", "error": error})
    stage.peers.answers["GET grievance /internal/grievances/GRV-2026-7K3MQX-4/text"] = gone
    await stage.say(a_case())
    found = await until_state(stage, State.FAILURE)

    assert (found.attempt, found.error_message) == (1, "SUBJECT_GONE")


async def test_facts_of_a_restricted_case_travel_apart(stage: Stage) -> None:
    """SEAH: from the first announcement to the last fact."""
    has_text(stage, "a survivor speaks")
    event: GrievanceSubmitted = a_case()
    await stage.say(event, restricted=True)
    await until_state(stage, State.SUCCESS)

    for kind in (LlmTaskReady, TaskStarted, TaskClassified, TaskSucceeded):
        assert [each.restricted for each in await stage.envelopes(kind)] == [True]
