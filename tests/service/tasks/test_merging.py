"""Two people turn out to be one: what was read of both is erased with the one."""

from libs.common.contracts.users import UserLinked, UserMerged
from libs.common.testing.stage import Stage
from services.tasks.models import GROUND

CASE = "GRV-2026-7K3MQX-4"


async def test_what_was_read_of_the_one_that_went_belongs_to_the_other(stage: Stage) -> None:
    """Issue 4, merge of duplicates."""
    await stage.say(UserLinked(grievance_id=CASE, user_id=7), source="users")

    await stage.say(UserMerged(user_id=7, into_user_id=8), source="users")

    keys = GROUND.data_keys
    async with stage.uow.read() as tx:
        owners = await tx.session.scalars(keys.select().with_only_columns(keys.c.user_id))
        assert {owner for owner in owners if owner is not None} == {8}


async def test_a_link_to_somebody_merged_before_is_to_whom_they_became(stage: Stage) -> None:
    """The link was under way when the two were merged."""
    await stage.say(UserMerged(user_id=7, into_user_id=8), source="users")

    await stage.say(UserLinked(grievance_id=CASE, user_id=7), source="users")

    keys = GROUND.data_keys
    async with stage.uow.read() as tx:
        owners = await tx.session.scalars(keys.select().with_only_columns(keys.c.user_id))
        assert {owner for owner in owners if owner is not None} == {8}
