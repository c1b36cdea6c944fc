"""A guest has proved who they are: what they had begun goes on (S4-06a, intent locking)."""

import json

from libs.common.contracts.users import GuestBound, UserErased
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.chat.conftest import REFERENCE, Meet

GUEST = "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"
BOUND = GuestBound(user_id=7, guest_id=GUEST)


async def test_a_filing_half_done_as_a_guest_is_finished_as_a_person(
    meet: Meet, stage: Stage
) -> None:
    """Same conversation, same question, nothing said twice; the case is the person's."""
    guest = meet(GUEST)
    await guest.up_to_confirm()
    before = await guest.messages()
    await stage.say(BOUND, source="users")
    person = meet("user:7", Role.CITIZEN)
    person.conversation_id, person.said = guest.conversation_id, guest.said

    assert await person.messages() == before
    await person.press("confirm")
    assert person.said["conversation_id"] == guest.conversation_id
    assert person.said["context"]["grievance_id"] == REFERENCE
    [filed] = [each for each in stage.peers.asked if each.url.path == "/internal/grievances"]
    assert json.loads(filed.content)["filed_by"] == "user:7"


async def test_the_old_token_sees_nothing_any_more(meet: Meet, stage: Stage) -> None:
    guest = meet(GUEST)
    await guest.up_to_confirm()
    await stage.say(BOUND, source="users")

    assert (await guest.http.get(f"{guest.path}/messages")).status_code == 404
    assert (await guest.post("hello")).status_code == 404
    listed = await guest.http.get("/api/v1/chat/conversations")
    assert listed.json()["data"]["items"] == []


async def test_conversations_of_others_stay_theirs(meet: Meet, stage: Stage) -> None:
    other = meet("guest:another")
    await other.say("hello")
    await stage.say(BOUND, source="users")

    assert await other.messages()


async def test_the_person_may_have_named_a_message_the_same(meet: Meet, stage: Stage) -> None:
    guest, person = meet(GUEST), meet("user:7", Role.CITIZEN)
    for each in (guest, person):
        await each.say("There is no water.", client_message_id="first")
    await stage.say(BOUND, source="users")

    listed = await person.http.get("/api/v1/chat/conversations")
    found = {each["conversation_id"] for each in listed.json()["data"]["items"]}
    assert found == {guest.conversation_id, person.conversation_id}


async def test_erasing_the_person_erases_what_they_said_as_a_guest(
    meet: Meet, stage: Stage
) -> None:
    guest = meet(GUEST)
    await guest.say("There is no water.")
    await stage.say(BOUND, source="users")
    await stage.say(UserErased(user_id=7), source="users")

    async with stage.uow.read() as tx:
        subject = f"conversation:{guest.conversation_id}"
        assert await tx.vault.surviving_keys([subject]) == {}


async def test_a_guest_who_proves_to_be_somebody_erased_said_nothing(
    meet: Meet, stage: Stage
) -> None:
    guest = meet(GUEST)
    await guest.say("There is no water.")
    await stage.say(UserErased(user_id=7), source="users")
    await stage.say(BOUND, source="users")

    async with stage.uow.read() as tx:
        subject = f"conversation:{guest.conversation_id}"
        assert await tx.vault.surviving_keys([subject]) == {}


async def test_a_token_that_outlives_the_proof_talks_for_the_person(
    meet: Meet, stage: Stage
) -> None:
    """It is refused within five seconds; until then nothing may be said that is nobody's."""
    await stage.say(BOUND, source="users")
    guest = meet(GUEST)
    await guest.say("There is no water.")

    person = meet("user:7", Role.CITIZEN)
    person.conversation_id = guest.conversation_id
    assert [each["sender"] for each in await person.messages()] == ["customer", "bot"]
