"""A guest has proved who they are: what they filed is that person's (S4-06a)."""

from typing import Any

from libs.common.contracts.users import GuestBound, UserErased, UserLinked
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.grievance.repository.cases import GrievanceRepository
from tests.service.grievance.conftest import WATER, Filing

GUEST = "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"
OTHER = "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a59"
BOUND = GuestBound(user_id=7, guest_id=GUEST)


async def may_read(stage: Stage, grievance_id: str, role: Role, subject: str) -> bool:
    answer = await stage.client(role, subject).get(f"/api/v1/grievances/{grievance_id}")
    assert answer.status_code in {200, 404}
    return answer.status_code == 200


async def row(stage: Stage, grievance_id: str) -> Any:
    async with stage.uow.read() as tx:
        return await GrievanceRepository(tx).get(grievance_id)


async def test_the_person_sees_it_and_the_guest_does_not_any_more(
    stage: Stage, a_grievance: Filing
) -> None:
    mine = (await a_grievance(by=GUEST))["grievance_id"]
    theirs = (await a_grievance(by=OTHER))["grievance_id"]
    await stage.say(BOUND, source="users")

    assert await may_read(stage, mine, Role.CITIZEN, "user:7")
    assert not await may_read(stage, mine, Role.GUEST, GUEST)
    assert not await may_read(stage, mine, Role.CITIZEN, "user:8")
    assert await may_read(stage, theirs, Role.GUEST, OTHER)
    assert (await row(stage, mine)).user_id == 7


async def test_a_guest_is_bound_to_the_first_person_alone(
    stage: Stage, a_grievance: Filing
) -> None:
    filed = (await a_grievance(by=GUEST))["grievance_id"]
    await stage.say(BOUND, source="users")
    await stage.say(GuestBound(user_id=8, guest_id=GUEST), source="users")

    assert await may_read(stage, filed, Role.CITIZEN, "user:7")
    assert not await may_read(stage, filed, Role.CITIZEN, "user:8")


async def test_the_person_a_case_is_about_stays_who_they_are(
    stage: Stage, a_grievance: Filing
) -> None:
    """A guest may file for somebody else, whom the vault knows as the contact."""
    filed = (await a_grievance(by=GUEST))["grievance_id"]
    await stage.say(UserLinked(grievance_id=filed, user_id=3), source="users")
    await stage.say(BOUND, source="users")

    found = await row(stage, filed)
    assert (found.user_id, found.filed_by) == (3, "user:7")


async def test_what_was_under_way_when_they_signed_in_is_theirs_too(stage: Stage) -> None:
    """Chat keeps a filing until it is taken: it may come in the guest's name after the proof."""
    await stage.say(BOUND, source="users")
    body = {"description": WATER, "conversation_id": "c1", "filed_by": GUEST, "language": "en"}
    answer = await stage.peer("chat").post("/internal/grievances", json=body)
    assert answer.status_code == 201, answer.text

    filed = answer.json()["data"]["grievance_id"]
    assert await may_read(stage, filed, Role.CITIZEN, "user:7")
    assert not await may_read(stage, filed, Role.GUEST, GUEST)


async def test_erasing_the_person_erases_what_they_filed_as_a_guest(
    stage: Stage, a_grievance: Filing
) -> None:
    filed = (await a_grievance(by=GUEST))["grievance_id"]
    await stage.say(BOUND, source="users")
    await stage.say(UserErased(user_id=7), source="users")

    subject = (await row(stage, filed)).subject
    async with stage.uow.read() as tx:
        assert await tx.vault.surviving_keys([subject]) == {}
