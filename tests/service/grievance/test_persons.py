"""What grievance knows of people: who may see a case of theirs, and that two of them are one."""

from typing import Any

import pytest

from libs.common.contracts.users import GuestBound, UserErased, UserLinked, UserMerged
from libs.common.principal import Role, Scope
from libs.common.testing.stage import Stage
from services.grievance.models import GROUND
from tests.service.grievance.conftest import HARASSED, Filing

OFFICER = Role.INTAKE_OFFICER
PERSONS = "/internal/persons/access"


async def seen(stage: Stage, role: Role, subject: str = "user:9", **query: Any) -> dict[int, bool]:
    """Of whom users is told that this caller may see a case, and whether it is a restricted one."""
    token = stage.token(role, subject, query.pop("scope", Scope()))
    answer = await stage.peer("users", for_token=token).get(PERSONS, params=query)
    assert answer.status_code == 200, answer.text
    return {each["user_id"]: each["is_restricted"] for each in answer.json()["data"]["seen"]}


async def access(stage: Stage, user_id: int, role: Role, **query: Any) -> bool | None:
    """Whether it is a restricted case this person is seen by; None when they are not seen."""
    return (await seen(stage, role, citizen=user_id, **query)).get(user_id)


async def linked(stage: Stage, filed: dict[str, Any], user_id: int, **more: Any) -> None:
    said = UserLinked(grievance_id=filed["grievance_id"], user_id=user_id)
    await stage.say(said, source="users", **more)


async def test_whoever_sees_a_case_of_somebody_may_see_them(
    stage: Stage, a_grievance: Filing
) -> None:
    """Issue 4, row scope."""
    filed = await a_grievance(project_type="road")
    await linked(stage, filed, 7)

    assert await access(stage, 7, OFFICER) is False
    assert await access(stage, 7, OFFICER, scope=Scope(("road",))) is False
    assert await access(stage, 7, OFFICER, scope=Scope(("rail",))) is None
    assert await access(stage, 8, OFFICER) is None
    assert await access(stage, 7, Role.CITIZEN) is None
    assert await access(stage, 7, Role.SEAH_HQ_OFFICER) is None


async def test_who_is_known_by_a_seah_case_alone_exists_for_seah_officers_alone(
    stage: Stage, a_grievance: Filing
) -> None:
    """Reliability 3 row 43."""
    filed = await a_grievance(HARASSED)
    await linked(stage, filed, 7, restricted=True)

    assert await access(stage, 7, Role.SEAH_HQ_OFFICER) is True
    for role in (OFFICER, Role.AUDITOR, Role.SUPER_ADMIN, Role.PROJECT_ADMIN):
        assert await access(stage, 7, role) is None


async def kept_apart(stage: Stage, *citizens: int) -> list[int]:
    """Whom nobody sees but for SEAH cases, as users is told."""
    answer = await stage.peer("users").get(
        "/internal/persons/kept-apart", params=[("citizen", each) for each in citizens]
    )
    found: list[int] = answer.json()["data"]["kept_apart"]
    return found


async def test_kept_apart_are_those_with_seah_cases_and_no_others(
    stage: Stage, a_grievance: Filing
) -> None:
    """Reliability 3 row 43: also from who sees everybody."""
    await linked(stage, await a_grievance(HARASSED), 7, restricted=True)
    await linked(stage, await a_grievance(HARASSED), 8, restricted=True)
    await linked(stage, await a_grievance(), 8)
    await linked(stage, await a_grievance(), 9)
    await a_grievance(HARASSED, by="user:10", role=Role.CITIZEN)

    assert await kept_apart(stage, 7, 8, 9, 10, 11) == [7, 10]
    refused = await stage.client(Role.SUPER_ADMIN).get(
        "/internal/persons/kept-apart", params={"citizen": 7}
    )
    assert refused.status_code == 403


async def test_one_case_can_be_asked_for(stage: Stage, a_grievance: Filing) -> None:
    own, other = await a_grievance(), await a_grievance()
    await linked(stage, own, 7)
    await linked(stage, other, 8)

    assert await access(stage, 7, OFFICER, grievance_id=own["grievance_id"]) is False
    for wrong in (other["grievance_id"], "GRV-NONE"):
        assert await access(stage, 7, OFFICER, grievance_id=wrong) is None
    peer = stage.peer("users", for_token=stage.token(OFFICER))
    no_id = await peer.get(PERSONS, params={"citizen": 7, "grievance_id": "a b"})
    assert no_id.status_code == 404


async def test_who_filed_it_is_seen_unless_they_file_for_others(
    stage: Stage, a_grievance: Filing
) -> None:
    await a_grievance(by="user:7", role=Role.CITIZEN)

    assert await access(stage, 7, OFFICER) is False
    assert await seen(stage, OFFICER, staff=7) == {}


async def test_many_are_asked_for_at_once_and_each_is_answered_for(
    stage: Stage, a_grievance: Filing
) -> None:
    """People who are found together are asked about together, as many as fifty."""
    for user_id in (7, 8):
        await linked(stage, await a_grievance(project_type="road"), user_id)
    await linked(stage, await a_grievance(project_type="rail"), 9)
    await a_grievance(by="user:10", role=Role.CITIZEN, project_type="road")
    scope = Scope(("road",))

    found = await seen(stage, OFFICER, citizen=[7, 9, 10], staff=[8, 11], scope=scope)

    assert found == dict.fromkeys((7, 8, 10), False)
    peer = stage.peer("users", for_token=stage.token(OFFICER))
    too_many = await peer.get(PERSONS, params={"citizen": list(range(1, 52))})
    assert too_many.status_code == 422


@pytest.mark.parametrize("user_id", ["0", "-1", "2147483648", "x", "1.5"])
async def test_nobody_has_such_a_number(stage: Stage, user_id: str) -> None:
    peer = stage.peer("users", for_token=stage.token(OFFICER))
    answer = await peer.get(PERSONS, params={"citizen": user_id})

    assert answer.status_code == 422


async def test_only_our_own_programs_ask_and_only_for_somebody(stage: Stage) -> None:
    anybody = {"citizen": 7}
    for_nobody = await stage.peer("users").get(PERSONS, params=anybody)

    assert for_nobody.json()["data"]["seen"] == []
    assert (await stage.client(Role.SUPER_ADMIN).get(PERSONS, params=anybody)).status_code == 403


async def test_everything_a_complainant_says_of_themselves_reaches_the_vault(
    stage: Stage, a_grievance: Filing
) -> None:
    """S1-27, S1-33."""
    said = {
        "name": "Sita",
        "phone_number": "+9779812345678",
        "email": "sita@example.org",
        "address": "Ward 5",
        "municipality": "Dharan",
    }
    filed = await a_grievance(contact=said)
    path = f"/internal/grievances/{filed['grievance_id']}"
    found = await stage.peer("users").get(f"{path}/contact")
    shown = await stage.client(OFFICER).get(f"/api/v1/grievances/{filed['grievance_id']}")

    assert found.json()["data"] == said
    assert shown.json()["data"]["contact"] == {"name": "S***", "phone_number": "+97798****5678"}
    for secret in ("sita@", "Ward 5", "Dharan", "981234"):
        assert secret not in shown.text


async def test_the_cases_of_somebody_who_was_two_are_those_of_one(
    stage: Stage, a_grievance: Filing
) -> None:
    """Issue 4, merge of duplicates."""
    filed = await a_grievance(by="user:7", role=Role.CITIZEN)
    await linked(stage, filed, 7)

    await stage.say(UserMerged(user_id=7, into_user_id=8), source="users")

    path = f"/api/v1/grievances/{filed['grievance_id']}"
    assert (await stage.client(Role.CITIZEN, "user:8").get(path)).status_code == 200
    assert (await stage.client(Role.CITIZEN, "user:7").get(path)).status_code == 404
    assert await access(stage, 8, OFFICER) is False
    assert await access(stage, 7, OFFICER) is None
    keys = GROUND.data_keys
    async with stage.uow.read() as tx:
        owners = await tx.session.scalars(keys.select().with_only_columns(keys.c.user_id))
        assert {owner for owner in owners if owner is not None} == {8}


MERGED = UserMerged(user_id=7, into_user_id=8)


@pytest.mark.parametrize("further", [False, True])
async def test_a_link_to_somebody_who_became_another_is_to_that_other(
    stage: Stage, a_grievance: Filing, further: bool
) -> None:
    """Issue 4: what was under way when two were merged comes after the news of it, in any order."""
    filed = await a_grievance()
    if further:
        await stage.say(UserMerged(user_id=8, into_user_id=9), source="users")
    await stage.say(MERGED, source="users")

    await linked(stage, filed, 7)

    assert await access(stage, 9 if further else 8, OFFICER) is False
    assert await access(stage, 7, OFFICER) is None


async def test_a_guest_who_proved_to_be_somebody_merged_is_whom_they_became(
    stage: Stage, a_grievance: Filing
) -> None:
    guest = "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"
    filed = await a_grievance(by=guest)
    await stage.say(MERGED, source="users")

    await stage.say(GuestBound(user_id=7, guest_id=guest), source="users")

    path = f"/api/v1/grievances/{filed['grievance_id']}"
    assert (await stage.client(Role.CITIZEN, "user:8").get(path)).status_code == 200


async def test_a_token_that_outlives_a_merge_files_for_whom_its_owner_became(
    stage: Stage, a_grievance: Filing
) -> None:
    """It is refused within five seconds; until then nothing may be filed for nobody."""
    await stage.say(MERGED, source="users")

    filed = await a_grievance(by="user:7", role=Role.CITIZEN)

    path = f"/api/v1/grievances/{filed['grievance_id']}"
    assert (await stage.client(Role.CITIZEN, "user:8").get(path)).status_code == 200


async def test_what_is_linked_late_to_somebody_merged_and_erased_is_erased(
    stage: Stage, a_grievance: Filing
) -> None:
    filed = await a_grievance(contact={"name": "Sita"})
    await stage.say(MERGED, source="users")
    await stage.say(UserErased(user_id=8), source="users")

    await linked(stage, filed, 7)

    path = f"/api/v1/grievances/{filed['grievance_id']}"
    assert (await stage.client(OFFICER).get(path)).json()["data"]["erased"]
