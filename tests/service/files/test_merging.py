"""Two people turn out to be one: what both sent is one person's."""

from libs.common.contracts.users import UserMerged
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.files.conftest import make_ready, upload


async def test_what_the_one_that_went_sent_is_the_others(stage: Stage) -> None:
    """Issue 4, merge of duplicates."""
    gone = stage.client(Role.CITIZEN, "user:7")
    survivor = stage.client(Role.CITIZEN, "user:8")
    file_id = await upload(gone)
    await make_ready(stage, file_id)
    path = f"/api/v1/files/{file_id}"
    assert (await survivor.get(path)).status_code == 404

    await stage.say(UserMerged(user_id=7, into_user_id=8), source="users")

    assert (await survivor.get(path)).status_code == 200
    assert (await gone.get(path)).status_code == 404


async def test_a_token_that_outlives_a_merge_sends_for_whom_its_owner_became(stage: Stage) -> None:
    """It is refused within five seconds; until then nothing may be sent that is nobody's."""
    await stage.say(UserMerged(user_id=7, into_user_id=8), source="users")

    file_id = await upload(stage.client(Role.CITIZEN, "user:7"))

    path = f"/api/v1/files/{file_id}"
    assert (await stage.client(Role.CITIZEN, "user:8").get(path)).status_code == 200
