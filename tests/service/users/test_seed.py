"""Seed 0's own paths (S0-16…18), with and without the trailing slash."""

from typing import Any

import httpx2
import pytest

from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.users.conftest import NAME, PHONE, Appointing

LITERAL = {"phone_number": "9812345678", "name": NAME, "role": "citizen"}


def deprecated(answer: httpx2.Response) -> bool:
    return "deprecation" in answer.headers and "successor-version" in answer.headers["link"]


@pytest.mark.parametrize("slash", ["/", ""])
async def test_the_three_routes_of_the_seed_answer_with_its_literal_bodies(
    stage: Stage, slash: str
) -> None:
    """S0-16, S0-17, S0-18; S1-40."""
    admin = stage.client(Role.SUPER_ADMIN)
    created = await admin.post(f"/api/users{slash}", json=LITERAL)
    user_id = created.json()["data"]["user_id"]
    read = await admin.get(f"/api/users/{user_id}{slash}")
    changed = await admin.put(f"/api/users/{user_id}{slash}", json={**LITERAL, "name": "Sita Rai"})

    assert [each.status_code for each in (created, read, changed)] == [201, 200, 200]
    assert {each.json()["status"] for each in (created, read, changed)} == {"success"}
    assert all(deprecated(each) for each in (created, read, changed))
    assert changed.json()["data"]["name"] == "S*** R***"
    assert changed.headers["etag"] == '"2"'


async def test_the_alias_changes_the_newest_version_unless_told_which(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    path = f"/api/users/{user['user_id']}/"
    admin = stage.client(Role.SUPER_ADMIN)

    statuses = [
        (await admin.put(path, json=LITERAL, headers=headers)).status_code
        for headers in ({}, {}, {"If-Match": '"3"'}, {"If-Match": '"3"'})
    ]
    assert statuses == [200, 200, 200, 412]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/users/", {**LITERAL, "role": "root"}, 422),
        ("POST", "/api/users/", {**LITERAL, "more": 1}, 422),
        ("POST", "/api/users/", {"name": NAME}, 422),
        ("POST", "/api/users/", [], 422),
        ("POST", "/api/users/", {**LITERAL, "role": "guest"}, 422),
        ("PUT", "/api/users/77/", LITERAL, 404),
        ("GET", "/api/users/77/", None, 404),
        ("GET", "/api/users/", None, 405),
        ("DELETE", "/api/users/1/", None, 405),
    ],
)
async def test_refusals_have_the_one_shape(
    stage: Stage, method: str, path: str, body: Any, status: int
) -> None:
    """S1-41."""
    answer = await stage.client(Role.SUPER_ADMIN).request(method, path, json=body)

    assert answer.status_code == status
    assert answer.json()["error"].keys() == {"code", "message", "details", "request_id"}


async def test_a_citizen_makes_no_admin(stage: Stage) -> None:
    """user-02."""
    for role in (Role.GUEST, Role.CITIZEN):
        answer = await stage.client(role).post("/api/users/", json={**LITERAL, "role": "admin"})
        assert answer.status_code == 403


async def test_staff_of_the_seed_sign_in_with_their_phone(stage: Stage) -> None:
    created = await stage.client(Role.SUPER_ADMIN).post(
        "/api/users/", json={**LITERAL, "role": "intake_officer"}
    )
    form = {
        "grant_type": "password",
        "username": PHONE,
        "password": created.json()["data"]["initial_password"],
    }
    assert (await stage.client().post("/oauth/token", data=form)).status_code == 200
