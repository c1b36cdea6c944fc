"""Who is known by SEAH cases alone does not exist for whoever those do not exist for."""

import httpx2
import pytest

from libs.common.contracts.users import UserErased
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.users.conftest import PHONE, Appointing, keeps_apart, shares_a_case

USERS = "/api/v1/users"
REVEAL = {"reason": "quality_review", "fields": ["name"]}


@pytest.fixture
def admin(stage: Stage) -> httpx2.AsyncClient:
    return stage.client(Role.SUPER_ADMIN, "user:1")


async def test_a_super_admin_neither_sees_nor_changes_them(
    stage: Stage, a_user: Appointing, admin: httpx2.AsyncClient
) -> None:
    """design.md 5.7; domain.md, SEAH handling."""
    user_id = (await a_user("citizen"))["user_id"]
    other = (await a_user("citizen", phone="9811111111"))["user_id"]
    keeps_apart(stage, user_id)
    path, match = f"{USERS}/{user_id}", {"If-Match": '"1"'}

    answers = [
        await admin.get(path),
        await admin.get(f"/api/users/{user_id}"),
        await admin.put(path, json={"name": "x"}, headers=match),
        await admin.post(f"{path}/reveal", json=REVEAL),
        await admin.post(f"{path}/merge", json={"into_user_id": other, "reason": "person_said_so"}),
        await admin.get(f"{path}/duplicates"),
        await admin.get(f"{path}/preferences"),
        await admin.get(f"{path}/consents"),
        await admin.delete(path, params={"reason": "court_order"}),
    ]

    told = {(each.status_code, each.json()["error"]["code"]) for each in answers}
    assert told == {(404, "USER_NOT_FOUND")}
    found = await admin.post(f"{USERS}/search", json={"phone_number": PHONE})
    assert found.json()["data"]["items"] == []
    assert await stage.said(UserErased) == []


async def test_they_exist_for_who_works_their_case_and_for_themselves(
    stage: Stage, a_user: Appointing
) -> None:
    user_id = (await a_user("citizen"))["user_id"]
    keeps_apart(stage, user_id)
    shares_a_case(stage, user_id, restricted=True)

    for client in (
        stage.client(Role.SEAH_HQ_OFFICER),
        stage.client(Role.CITIZEN, f"user:{user_id}"),
    ):
        assert (await client.get(f"{USERS}/{user_id}")).status_code == 200


async def test_of_many_who_are_found_those_are_left_out_and_grievance_is_asked_once(
    stage: Stage, a_user: Appointing, admin: httpx2.AsyncClient
) -> None:
    same = {"email": "sita@example.org"}
    found = [
        (await a_user("citizen", phone=f"981234567{number}", **same))["user_id"]
        for number in range(3)
    ]
    keeps_apart(stage, found[1])

    answer = await admin.post(f"{USERS}/search", json=same)

    listed = [each["user_id"] for each in answer.json()["data"]["items"]]
    assert listed == [found[0], found[2]]
    assert len(stage.peers.asked) == 1


async def test_staff_are_seen_as_staff(
    stage: Stage, a_user: Appointing, admin: httpx2.AsyncClient
) -> None:
    officer = (await a_user())["user_id"]
    keeps_apart(stage, officer)

    assert (await admin.get(f"{USERS}/{officer}")).status_code == 200
    assert stage.peers.asked == []
