"""Facts the tasks service tells, and the announcements its workers wait for."""

from typing import ClassVar

from libs.common.events import Event


class _AboutTask(Event):
    about: ClassVar[str] = "task_id"

    task_id: str
    task_name: str


class TaskQueued(_AboutTask):
    """Work is on the ledger."""

    topic: ClassVar[str] = "task.queued.v1"

    lane: str


class TaskStarted(_AboutTask):
    topic: ClassVar[str] = "task.started.v1"

    attempt: int


class TaskRetrying(_AboutTask):
    topic: ClassVar[str] = "task.retrying.v1"

    attempt: int
    reason: str


class TaskSucceeded(_AboutTask):
    topic: ClassVar[str] = "task.succeeded.v1"


class TaskFailed(_AboutTask):
    topic: ClassVar[str] = "task.failed.v1"

    reason: str


class TaskCancelled(_AboutTask):
    topic: ClassVar[str] = "task.cancelled.v1"


class TaskClassified(Event):
    """The language engine has read a grievance; the summary is fetched from the task."""

    topic: ClassVar[str] = "task.classified.v1"
    about: ClassVar[str] = "grievance_id"

    grievance_id: str
    task_id: str
    language: str
    categories: list[str]
    engine: str


class TaskFileProcessed(Event):
    """A file was looked into: its working copy is stored, or it is refused."""

    topic: ClassVar[str] = "task.file_processed.v1"
    about: ClassVar[str] = "file_id"

    file_id: str
    task_id: str
    outcome: str


class TaskReady(Event):
    """Not a fact but a nudge to a lane's workers; the row on the ledger is the truth."""

    about: ClassVar[str] = "task_id"

    task_id: str


class LlmTaskReady(TaskReady):
    topic: ClassVar[str] = "task.ready.llm.v1"


class DefaultTaskReady(TaskReady):
    topic: ClassVar[str] = "task.ready.default.v1"


class NotificationTaskReady(TaskReady):
    topic: ClassVar[str] = "task.ready.notifications.v1"
