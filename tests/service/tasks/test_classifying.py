"""Reading grievances."""

from libs.common.contracts.tasks import TaskClassified, TaskQueued, TaskStarted, TaskSucceeded
from libs.common.testing.stage import Stage
from services.tasks.models import State
from tests.service.tasks.conftest import a_case, has_text, until_state


async def test_a_filed_case_is_read_and_everybody_is_told(stage: Stage) -> None:
    """S1-18a, S1-21."""
    has_text(stage, "There is no water in ward 5, the tap has been dry for three days.")
    await stage.say(a_case())
    task = await until_state(stage, State.SUCCESS)

    [fact] = await stage.said(TaskClassified)
    assert (fact.grievance_id, fact.task_id) == ("GRV-2026-7K3MQX-4", task.task_id)
    assert fact.language == "en"
    for kind in (TaskQueued, TaskStarted, TaskSucceeded):
        assert [event.task_id for event in await stage.said(kind)] == [task.task_id]
    async with stage.peer("grievance") as peer:
        found = (await peer.get(f"/internal/tasks/{task.task_id}/result")).json()["data"]
    assert found["categories"] == fact.categories
    assert "water" in found["summary"]
