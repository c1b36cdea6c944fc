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
Instant = Annotated[datetime, Field(examples=["2026-03-02T03:30:00Z"])]


class TaskListQuery(Schema):
    """Filters of a list; what is not one of them is refused."""

    status: StateWord | None = Field(default=None, examples=["FAILURE"])
    task_name: TaskName | None = Field(default=None, examples=["classify_and_summarize_grievance"])
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = Field(
        default=None,
        examples=["WyIyMDI2LTAzLTAyVDAzOjMwOjAwKzAwOjAwIiwiR1JWLTIwMjYtN0szTVFYLTQiXQ"],
    )


class TaskQuery(Schema):
    """How long to wait for a task to end."""

    wait: Annotated[float, Field(ge=0, le=MAX_WAIT_SECONDS)] = Field(default=0, examples=[20])


class TaskRead(Schema):
    """A task; what it is about and what came of it is with the service that asked for it."""

    task_id: str = Field(examples=["019cac98-9f34-7c11-a2d8-6b5e3f0c9d42"])
    task_name: str = Field(examples=["classify_and_summarize_grievance"])
    lane: str = Field(examples=["llm"])
    owner: str = Field(examples=["grievance"])
    status_code: State = Field(examples=["SUCCESS"])
    retry_count: int = Field(examples=[0])
    attempt: int = Field(examples=[1])
    run_at: Instant
    error_message: str | None = Field(examples=[None])
    created_at: Instant
    updated_at: Instant


class KindRead(Schema):
    """A kind of work, and how many tasks of it stand where."""

    task_name: str = Field(examples=["classify_and_summarize_grievance"])
    lane: str = Field(examples=["llm"])
    retries: int = Field(examples=[3])
    counts: dict[State, int] = Field(examples=[{"PENDING": 2, "SUCCESS": 140}])


class TaskStats(Schema):
    """What is registered, what is under way, and what befell the workers in the last day."""

    kinds: list[KindRead]
    counts: dict[State, int] = Field(examples=[{"PENDING": 2, "SUCCESS": 140}])
    incidents: dict[str, int] = Field(examples=[{"worker_lost": 1}])


class ReadingResult(Schema):
    """What reading a grievance came to."""

    language: str
    categories: list[str]
    summary: str
    engine: str
