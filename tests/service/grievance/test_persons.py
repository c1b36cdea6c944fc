"""What grievance knows of people: who may see a case of theirs, and that two of them are one."""

from typing import Any

import pytest

from libs.common.contracts.users import GuestBound, UserErased, UserLinked, UserMerged
from libs.common.principal import Role, Scope
from libs.common.testing.stage import Stage
from services.grievance.models import GROUND
from tests.service.grievance.conftest import HARASSED, Filing

OFFICER = Role.INTAKE_OFFICER


async def access(
    stage: Stage, user_id: int, role: Role, subject: str = "user:9", **query: Any
) -> tuple[int, bool | None]:
    """What users is told when it asks for somebody."""
    scope = query.pop("scope", Scope())
    peer = stage.peer("users", for_token=stage.token(role, subject, scope))
    answer = await peer.get(f"/internal/persons/{user_id}/access", params=query)
    return answer.status_code, (answer.json().get("data") or {}).get("is_restricted")


async def linked(stage: Stage, filed: dict[str, Any], user_id: int, **more: Any) -> None:
    said = UserLinked(grievance_id=filed["grievance_id"], user_id=user_id)
    await stage.say(said, source="users", **more)


async def test_whoever_sees_a_case_of_somebody_may_see_them(
    stage: Stage, a_grievance: Filing
) -> None:
    """Issue 4, row scope."""
    filed = await a_grievance(project_type="road")
    await linked(stage, filed, 7)

    assert await access(stage, 7, OFFICER) == (200, False)
    assert await access(stage, 7, OFFICER, scope=Scope(("road",))) == (200, False)
    assert (await access(stage, 7, OFFICER, scope=Scope(("rail",))))[0] == 404
    assert (await access(stage, 8, OFFICER))[0] == 404
    assert (await access(stage, 7, Role.CITIZEN))[0] == 404
    assert (await access(stage, 7, Role.SEAH_HQ_OFFICER))[0] == 404


async def test_who_is_known_by_a_seah_case_alone_exists_for_seah_officers_alone(
    stage: Stage, a_grievance: Filing
) -> None:
    """Reliability 3 row 43."""
    filed = await a_grievance(HARASSED)
    await linked(stage, filed, 7, restricted=True)

    assert await access(stage, 7, Role.SEAH_HQ_OFFICER) == (200, True)
    for role in (OFFICER, Role.AUDITOR, Role.SUPER_ADMIN, Role.PROJECT_ADMIN):
        assert (await access(stage, 7, role))[0] == 404


async def test_one_case_can_be_asked_for(stage: Stage, a_grievance: Filing) -> None:
    own, other = await a_grievance(), await a_grievance()
    await linked(stage, own, 7)
    await linked(stage, other, 8)

    assert await access(stage, 7, OFFICER, grievance_id=own["grievance_id"]) == (200, False)
    for wrong in (other["grievance_id"], "GRV-NONE", "a b", "\0"):
        assert (await access(stage, 7, OFFICER, grievance_id=wrong))[0] in {404, 422}


async def test_who_filed_it_is_seen_unless_they_file_for_others(
    stage: Stage, a_grievance: Filing
) -> None:
    await a_grievance(by="user:7", role=Role.CITIZEN)

    assert await access(stage, 7, OFFICER) == (200, False)
    assert (await access(stage, 7, OFFICER, is_staff="true"))[0] == 404


@pytest.mark.parametrize("user_id", ["0", "-1", "2147483648", "x", "1.5"])
async def test_nobody_has_such_a_number(stage: Stage, user_id: str) -> None:
    peer = stage.peer("users", for_token=stage.token(OFFICER))
    answer = await peer.get(f"/internal/persons/{user_id}/access")

    assert answer.status_code in {404, 422}


async def test_only_our_own_programs_ask_and_only_for_somebody(stage: Stage) -> None:
    path = "/internal/persons/7/access"

    assert (await stage.peer("users").get(path)).status_code == 404
    assert (await stage.client(Role.SUPER_ADMIN).get(path)).status_code == 403


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
    assert await access(stage, 8, OFFICER) == (200, False)
    assert (await access(stage, 7, OFFICER))[0] == 404
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

    assert await access(stage, 9 if further else 8, OFFICER) == (200, False)
    assert (await access(stage, 7, OFFICER))[0] == 404


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
