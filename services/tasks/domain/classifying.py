"""Reading a grievance: language, categories, a summary. A suggestion, never a decision."""

from pydantic import BaseModel

from libs.common.contracts.tasks import TaskClassified
from libs.language.reading import read
from services.tasks.domain.registry import Job, Outcome, task
from services.tasks.models import Lane

SHORT = 1000
"""Characters read in under 5 ms whatever they say: the way to a child and back takes longer."""


class CaseArguments(BaseModel):
    grievance_id: str


def case_subject(arguments: CaseArguments) -> str:
    """Whose data key seals what was read: the case's, so that erasing it erases this."""
    return f"case:{arguments.grievance_id}"


@task(
    lane=Lane.LLM,
    retries=3,
    backoff=lambda retry: 60 * 2.0**retry,
    arguments=CaseArguments,
    sealed_for=case_subject,
)
async def classify_and_summarize_grievance(arguments: CaseArguments, job: Job) -> Outcome:
    """Read the description of a case; a long one in a child, for it may be slow to read."""
    text = await job.tools.grievances.text(arguments.grievance_id)
    reading = read(text) if len(text) <= SHORT else await job.tools.children.run(read, text)
    categories = [suggestion.code for suggestion in reading.categories]
    return Outcome(
        {
            "language": reading.language,
            "categories": categories,
            "summary": reading.summary,
            "engine": reading.engine,
        },
        (
            TaskClassified(
                grievance_id=arguments.grievance_id,
                task_id=job.task_id,
                language=reading.language,
                categories=categories,
                engine=reading.engine,
            ),
        ),
    )
