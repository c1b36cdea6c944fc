"""The tasks service on stage, with grievance and files played."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.testing.stage import Stage, until
from services.tasks.app import create_app
from services.tasks.models import State, Task
from services.tasks.settings import TasksSettings

RaiseTasks = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def stage(raise_stage: Callable[..., Awaitable[Stage]]) -> Stage:
    return await raised(raise_stage, children=1)


async def raised(raise_stage: RaiseTasks, create: Any = create_app, **settings: Any) -> Stage:
    """The service on stage, once it hears."""
    stage = await raise_stage("tasks", create, TasksSettings, **settings)
    await until(lambda: stage.service.readiness.is_started)
    return stage


def a_case(grievance_id: str = "GRV-2026-7K3MQX-4") -> GrievanceSubmitted:
    return GrievanceSubmitted(
        grievance_id=grievance_id, channel="api", filed_by="guest-1", has_contact=False, file_ids=[]
    )


def has_text(stage: Stage, text: str, grievance_id: str = "GRV-2026-7K3MQX-4") -> None:
    """Play a grievance service that knows this text."""
    path = f"GET grievance /internal/grievances/{grievance_id}/text"
    stage.peers.answers[path] = {"description": text}


def shows(stage: Stage, *places: str) -> None:
    """Play owners that let everybody see these: `grievance/GRV-1`."""
    for place in places:
        owner, _, subject = place.partition("/")
        stage.peers.answers[f"GET {owner} /internal/watch/{subject}"] = {"id": subject}


async def tasks_of(stage: Stage) -> list[Task]:
    """Every row of the ledger, oldest first."""
    async with stage.uow.read() as tx:
        return list(await tx.session.scalars(select(Task).order_by(Task.task_id)))


async def only_task(stage: Stage) -> Task:
    [task] = await tasks_of(stage)
    return task


async def until_state(stage: Stage, state: State, **more: Any) -> Task:
    """Wait until the only task is there and stands so."""

    async def stands() -> bool:
        return [task.status_code for task in await tasks_of(stage)] == [state]

    await until(stands, **more)
    return await only_task(stage)
