"""What comes in and goes out over the wire."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from libs.common.web.responses import Schema
from services.tasks.models import State

MAX_WAIT_SECONDS = 30


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


StateWord = Annotated[State, BeforeValidator(_upper)]
TaskName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z0-9_]+$")]


class TaskListQuery(Schema):
    """Filters of a list; what is not one of them is refused."""

    status: StateWord | None = None
    task_name: TaskName | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = None


class TaskQuery(Schema):
    """How long to wait for a task to end."""

    wait: Annotated[float, Field(ge=0, le=MAX_WAIT_SECONDS)] = 0


class TaskRead(Schema):
    """A task; what it is about and what came of it is with the service that asked for it."""

    task_id: str
    task_name: str
    lane: str
    owner: str
    status_code: State
    retry_count: int
    attempt: int
    run_at: datetime
    error_message: str | None
    created_at: datetime
    updated_at: datetime


class KindRead(Schema):
    """A kind of work, and how many tasks of it stand where."""

    task_name: str
    lane: str
    retries: int
    counts: dict[State, int]


class TaskStats(Schema):
    """What is registered, what is under way, and what befell the workers in the last day."""

    kinds: list[KindRead]
    counts: dict[State, int]
    incidents: dict[str, int]


class ReadingResult(Schema):
    """What reading a grievance came to."""

    language: str
    categories: list[str]
    summary: str
    engine: str
