"""What a citizen wrote is nowhere in the clear after it was read."""

import pytest

from libs.common.contracts.tasks import TaskClassified, TaskSucceeded
from libs.common.testing.stage import Stage
from services.tasks.models import State
from tests.service.tasks.conftest import a_case, has_text, until_state

TEXT = "Kanchhi Canari, 9841777001, says the tap in ward five has been dry since Zyxwvday."


async def test_a_text_and_its_summary_are_in_no_file_no_event_and_no_log(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """design.md 5.5."""
    has_text(stage, TEXT)
    await stage.say(a_case())
    task = await until_state(stage, State.SUCCESS)
    async with stage.peer("grievance") as peer:
        kept = await peer.get(f"/internal/tasks/{task.task_id}/result")
    assert "Zyxwvday" in kept.json()["data"]["summary"]

    said = [*await stage.envelopes(TaskClassified), *await stage.envelopes(TaskSucceeded)]
    places = [envelope.to_bytes() for envelope in said]
    places += [capsys.readouterr().out.encode()]
    folder = stage.service.settings.shared.data_dir
    places += [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    for place in places:
        for canary in (b"Canari", b"9841777001", b"Zyxwvday"):
            assert canary not in place
