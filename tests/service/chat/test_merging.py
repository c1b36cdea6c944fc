"""Two people turn out to be one: what both said is one person's."""

from libs.common.contracts.users import GuestBound, UserMerged
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.chat.conftest import Meet


async def test_what_the_one_that_went_said_is_the_others(stage: Stage, meet: Meet) -> None:
    """Issue 4, merge of duplicates; both may have named how a talk began the same."""
    gone, survivor = meet("user:7", Role.CITIZEN), meet("user:8", Role.CITIZEN)
    for citizen in (gone, survivor):
        await citizen.say("hello", client_message_id="m-1")
    before = await gone.messages()

    await stage.say(UserMerged(user_id=7, into_user_id=8), source="users")

    listed = await survivor.http.get("/api/v1/chat/conversations")
    ids = {row["conversation_id"] for row in listed.json()["data"]["items"]}
    assert ids == {gone.conversation_id, survivor.conversation_id}
    assert (await gone.http.get(f"{gone.path}/messages")).status_code == 404
    survivor.conversation_id = gone.conversation_id
    assert await survivor.messages() == before


async def test_a_guest_who_proved_to_be_somebody_merged_is_whom_they_became(
    stage: Stage, meet: Meet
) -> None:
    """The proof was under way when the two were merged."""
    guest = meet("guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58")
    await guest.say("hello")
    await stage.say(UserMerged(user_id=7, into_user_id=8), source="users")

    await stage.say(GuestBound(user_id=7, guest_id=guest.owner), source="users")

    listed = await stage.client(Role.CITIZEN, "user:8").get("/api/v1/chat/conversations")
    ids = [row["conversation_id"] for row in listed.json()["data"]["items"]]
    assert ids == [guest.conversation_id]
