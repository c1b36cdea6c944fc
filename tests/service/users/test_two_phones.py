"""One person with two phones: after a merge both lead to them, by whichever they are known."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.users import UserLinked
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.models import User
from tests.service.users.conftest import NAME, PHONE, Appointing

USERS = "/api/v1/users"
OTHER = "9811111111"
EMAIL = "sita.other@example.org"
NATIONAL_ID = "12-01-75-00123"
CASE = "GRV-2026-7K3MQX-4"


async def merge(stage: Stage, gone: int, into: int) -> None:
    body = {"into_user_id": into, "reason": "identity_checked"}
    answer = await stage.client(Role.SUPER_ADMIN).post(f"{USERS}/{gone}/merge", json=body)
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def sita(stage: Stage, a_user: Appointing) -> int:
    """She has PHONE, and had OTHER, EMAIL and NATIONAL_ID in a row that is hers now."""
    gone = await a_user("citizen", phone=OTHER, email=EMAIL, national_id=NATIONAL_ID)
    own = await a_user("citizen", email="sita@example.org", national_id="99-99-99-99999")
    await merge(stage, gone["user_id"], own["user_id"])
    return int(own["user_id"])


async def prove(stage: Stage, **contact: Any) -> dict[str, Any]:
    client, tasks = stage.client(), stage.peer("tasks")
    asked = await client.post("/api/v1/auth/otp/request", json=contact)
    challenge_id = asked.json()["data"]["challenge_id"]
    told = (await tasks.get(f"/internal/otp/{challenge_id}")).json()["data"]
    shown = {"challenge_id": challenge_id, "code": told["code"]}
    answer = await client.post("/api/v1/auth/otp/verify", json=shown)
    data: dict[str, Any] = answer.json()["data"]
    return data


async def search(stage: Stage, **wanted: str) -> list[int]:
    answer = await stage.client(Role.SUPER_ADMIN).post(f"{USERS}/search", json=wanted)
    return [each["user_id"] for each in answer.json()["data"]["items"]]


async def give(stage: Stage, user_id: int, **body: Any) -> httpx2.Response:
    admin = stage.client(Role.SUPER_ADMIN)
    etag = (await admin.get(f"{USERS}/{user_id}")).headers["etag"]
    return await admin.put(f"{USERS}/{user_id}", json=body, headers={"If-Match": etag})


async def test_whoever_proves_a_phone_first_is_her_and_the_other_lets_nobody_in_after(
    stage: Stage, sita: int
) -> None:
    """Who merged them may be wrong, or mean ill: of two phones each may be somebody else's."""
    for phone, is_new in ((OTHER, False), (OTHER, False), (PHONE, True), (PHONE, False)):
        proved = await prove(stage, phone_number=phone, channel="sms")
        assert (proved["user_id"] == sita, proved["is_new"]) == (phone == OTHER, is_new)
    proved = await prove(stage, email=EMAIL, channel="email")
    assert (proved["user_id"] == sita, proved["is_new"]) == (False, True)


async def test_she_is_found_by_all_of_them_and_nobody_is_made_with_one(
    stage: Stage, sita: int
) -> None:
    for wanted in ({"phone_number": OTHER}, {"email": EMAIL}, {"national_id": NATIONAL_ID}):
        assert await search(stage, **wanted) == [sita]
    body = {"phone_number": OTHER, "name": NAME, "role": "citizen"}
    for path in (USERS, "/api/users/"):
        taken = await stage.client(Role.SUPER_ADMIN).post(path, json=body)
        assert (taken.status_code, taken.json()["error"]["code"]) == (409, "USER_EXISTS")


async def test_a_case_that_names_the_other_phone_is_hers(stage: Stage, sita: int) -> None:
    contact = {"name": "Sita Sharma", "phone_number": OTHER}
    stage.peers.answers[f"GET grievance /internal/grievances/{CASE}/contact"] = contact
    submitted = GrievanceSubmitted(
        grievance_id=CASE, channel="web", filed_by="g", has_contact=True, file_ids=[]
    )

    await stage.say(submitted, source="grievance")

    assert await stage.said(UserLinked) == [UserLinked(grievance_id=CASE, user_id=sita)]


async def test_who_shares_what_she_had_is_a_possible_duplicate(
    stage: Stage, sita: int, a_user: Appointing
) -> None:
    third = (await a_user("citizen", phone="9822222222", email=EMAIL))["user_id"]
    admin = stage.client(Role.SUPER_ADMIN)

    for one, other in ((sita, third), (third, sita)):
        listed = (await admin.get(f"{USERS}/{one}/duplicates")).json()["data"]
        assert [each["user_id"] for each in listed] == [other]


async def test_a_further_merge_is_followed(stage: Stage, sita: int, a_user: Appointing) -> None:
    last = (await a_user("citizen", phone="9822222222"))["user_id"]
    await merge(stage, sita, last)

    for phone in (OTHER, PHONE, "9822222222"):
        assert await search(stage, phone_number=phone) == [last]
    assert await search(stage, email=EMAIL) == [last]


async def test_another_phone_of_hers_leaves_the_other_where_it_leads(
    stage: Stage, sita: int
) -> None:
    assert (await give(stage, sita, phone_number="9833333333")).status_code == 200
    assert await search(stage, phone_number=OTHER) == [sita]
    assert await search(stage, phone_number=PHONE) == []

    assert (await give(stage, sita, phone_number=OTHER)).status_code == 200
    assert await search(stage, phone_number=OTHER) == [sita]
    assert (await give(stage, sita, phone_number=PHONE)).status_code == 200
    assert await search(stage, phone_number=OTHER) == []


async def test_nobody_takes_a_phone_that_leads_to_her(
    stage: Stage, sita: int, a_user: Appointing
) -> None:
    somebody = (await a_user("citizen", phone="9844444444"))["user_id"]
    answer = await give(stage, somebody, phone_number=OTHER)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "USER_EXISTS")
    assert await search(stage, phone_number=OTHER) == [sita]


async def test_what_led_to_her_is_erased_with_her(stage: Stage, sita: int) -> None:
    client = stage.client(Role.CITIZEN, f"user:{sita}")
    assert (await client.delete(f"{USERS}/me")).status_code == 202

    for wanted in ({"phone_number": OTHER}, {"email": EMAIL}, {"national_id": NATIONAL_ID}):
        assert await search(stage, **wanted) == []
    async with stage.uow.read() as tx:
        kept = func.coalesce(User.phone_index, User.email_index, User.national_id_index)
        query = select(func.count()).select_from(User).where(kept.is_not(None))
        assert await tx.session.scalar(query) == 0
    proved = await prove(stage, phone_number=OTHER, channel="sms")
    assert proved["is_new"] is True
