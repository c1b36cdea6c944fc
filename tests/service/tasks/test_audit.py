"""What the audit log is told of tasks: that somebody stopped one, or had it done again."""

from libs.common.contracts.audit import AuditRecorded
from libs.common.principal import Role
from tests.service.tasks.conftest import RaiseTasks, a_case, only_task, raised, shows


async def test_who_cancels_or_retries_a_task_is_on_record(raise_stage: RaiseTasks) -> None:
    """Issue 4, audit: from every service, in the transaction of the act."""
    stage = await raised(raise_stage, lanes=())
    await stage.say(a_case("GRV-1"))
    shows(stage, "grievance/GRV-1")
    task = await only_task(stage)
    path = f"/api/v1/tasks/{task.task_id}"
    async with stage.client(Role.PROJECT_ADMIN) as admin:
        steps = ("retry", "cancel", "cancel", "retry")
        answers = [(await admin.post(f"{path}/{step}")).status_code for step in steps]

    assert answers == [409, 200, 409, 200]
    facts = await stage.said(AuditRecorded)
    who, target = "project_admin-1", f"task:{task.task_id}"
    assert [(fact.who, fact.act, fact.target) for fact in facts] == [
        (who, "task_cancelled", target),
        (who, "task_retried", target),
    ]
    assert facts[0].details == {"task_name": task.task_name}
