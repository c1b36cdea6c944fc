"""Looking into a file: is it what it claims, and a copy that is safe to show."""

from pydantic import BaseModel

from libs.common.contracts.tasks import TaskFileProcessed
from services.tasks.domain.imaging import READY, working_copy
from services.tasks.domain.registry import Job, Outcome, task
from services.tasks.models import Lane


class FileArguments(BaseModel):
    file_id: str


def file_subject(arguments: FileArguments) -> str:
    """Whose data key seals the result."""
    return f"file:{arguments.file_id}"


@task(
    lane=Lane.DEFAULT,
    retries=2,
    backoff=lambda retry: 10 * 2.0**retry,
    arguments=FileArguments,
    sealed_for=file_subject,
)
async def process_file(arguments: FileArguments, job: Job) -> Outcome:
    """Decode a photo in a child and store its working copy. A corrupt one is a result too."""
    original = await job.tools.files.original(arguments.file_id)
    copy = await job.tools.children.run(working_copy, original)
    if copy.outcome == READY:
        await job.tools.files.put_copy(arguments.file_id, copy.content, attempt=job.attempt)
    fact = TaskFileProcessed(file_id=arguments.file_id, task_id=job.task_id, outcome=copy.outcome)
    result = {"outcome": copy.outcome, "width": copy.width, "height": copy.height}
    return Outcome(result, (fact,))
