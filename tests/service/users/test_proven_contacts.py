"""Nobody becomes who somebody is by what they say of them: a contact is theirs who proved it."""

from typing import Any

import httpx2
import pytest

from libs.common.principal import Role, Scope
from libs.common.testing.stage import Stage
from tests.service.users.conftest import PHONE, Appointing, shares_a_case
from tests.service.users.test_two_phones import give, prove

USERS = "/api/v1/users"
OTHER = "9811111111"
EMAIL = "sita@example.org"


async def by_phone(stage: Stage, phone: str = PHONE) -> dict[str, Any]:
    return await prove(stage, phone_number=phone, channel="sms")


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_an_email_an_administrator_said_lets_nobody_in(
    stage: Stage, a_user: Appointing
) -> None:
    """Reliability 3 row 12: whoever appoints an address before its owner comes is not them."""
    appointed = (await a_user("citizen", email=EMAIL))["user_id"]
    await give(stage, appointed, email="sita.too@example.org")

    for address in (EMAIL, "sita.too@example.org"):
        proved = await prove(stage, email=address, channel="email")
        assert proved["is_new"] is True
        assert proved["user_id"] != appointed


async def test_what_a_citizen_proved_is_replaced_by_nobody_else(stage: Stage) -> None:
    phone = (await by_phone(stage))["user_id"]
    email = (await prove(stage, email=EMAIL, channel="email"))["user_id"]

    refused = [
        await give(stage, phone, phone_number=OTHER),
        await give(stage, email, email="other@example.org"),
        await give(stage, phone, role="intake_officer", scope={}, password="correct-horse-battery"),
    ]

    assert {told(each) for each in refused} == {(409, "CONTACT_PROVEN")}
    assert (await give(stage, phone, name="Sita", phone_number=PHONE)).status_code == 200
    assert (await by_phone(stage))["user_id"] == phone


@pytest.mark.parametrize("role", ["citizen", "intake_officer"])
async def test_a_phone_said_of_somebody_else_is_not_theirs_once_it_is_proved(
    stage: Stage, a_user: Appointing, role: str
) -> None:
    """An administrator's own row, or one they have the password of, gets a stranger's phone."""
    if role == "citizen":
        theirs = (await prove(stage, email="eve@example.org", channel="email"))["user_id"]
        assert (await give(stage, theirs, phone_number=PHONE)).status_code == 200
    else:
        theirs = (await a_user(role))["user_id"]

    first, second = await by_phone(stage), await by_phone(stage)

    assert first["is_new"] is True
    assert first["user_id"] == second["user_id"] != theirs


async def test_two_who_proved_who_they_are_are_not_made_one(stage: Stage) -> None:
    one, two = [(await by_phone(stage, phone))["user_id"] for phone in (PHONE, OTHER)]
    body = {"into_user_id": two, "reason": "duplicate_registration"}

    answer = await stage.client(Role.SUPER_ADMIN).post(f"{USERS}/{one}/merge", json=body)

    assert told(answer) == (409, "CONTACT_PROVEN")
    assert (await by_phone(stage))["user_id"] == one


@pytest.mark.parametrize("is_gone", [True, False])
async def test_a_merge_lets_nobody_in_as_who_proved_who_they_are(
    stage: Stage, a_user: Appointing, is_gone: bool
) -> None:
    proven = (await by_phone(stage))["user_id"]
    said = (await a_user("citizen", phone=OTHER))["user_id"]
    gone, into = (proven, said) if is_gone else (said, proven)
    body = {"into_user_id": into, "reason": "duplicate_registration"}
    merged = await stage.client(Role.SUPER_ADMIN).post(f"{USERS}/{gone}/merge", json=body)
    assert merged.status_code == 200, merged.text

    assert (await by_phone(stage, OTHER))["user_id"] not in {proven, said}
    assert (await by_phone(stage))["user_id"] == into


async def test_who_becomes_staff_is_told_where_they_work(stage: Stage, a_user: Appointing) -> None:
    user_id = (await a_user("citizen"))["user_id"]

    assert told(await give(stage, user_id, role="intake_officer")) == (422, "SCOPE_REQUIRED")
    assert (await give(stage, user_id, role="intake_officer", scope={})).status_code == 200


async def test_who_has_a_part_does_nothing_to_everybody(stage: Stage, a_user: Appointing) -> None:
    """One who administers Koshi neither forgets, nor reads, nor keeps for the whole country."""
    officer = (await a_user())["user_id"]
    part = stage.client(Role.SUPER_ADMIN, "user:77", Scope(places=("Koshi",)))

    answers = [
        await part.delete(f"{USERS}/{officer}", params={"reason": "left_employment"}),
        await part.get("/api/v1/audit"),
        await part.get("/api/v1/retention-rules"),
    ]

    assert {each.status_code for each in answers} == {403}


async def test_nobody_speaks_for_staff_they_may_not_appoint(
    stage: Stage, a_user: Appointing
) -> None:
    above = (await a_user("super_admin"))["user_id"]
    shares_a_case(stage, above)
    admin = stage.client(Role.PROJECT_ADMIN)
    path, why = f"{USERS}/{above}", {"reason": "in_person"}

    answers = [
        await admin.put(
            f"{path}/preferences",
            json={"never_leave_message": True, **why},
            headers={"If-Match": '"0"'},
        ),
        await admin.post(
            f"{path}/consents",
            json={"purpose": "contact", "is_given": False, "text_version": "1", **why},
        ),
    ]

    assert {told(each) for each in answers} == {(403, "ROLE_NOT_YOURS_TO_GIVE")}


@pytest.mark.parametrize("role", [Role.SUPER_ADMIN, Role.INTAKE_OFFICER])
async def test_grievance_is_asked_also_when_nobody_is_found(stage: Stage, role: Role) -> None:
    shares_a_case(stage, 999)
    answer = await stage.client(role).post(f"{USERS}/search", json={"phone_number": OTHER})

    assert answer.json()["data"]["items"] == []
    assert len(stage.peers.asked) == 1
