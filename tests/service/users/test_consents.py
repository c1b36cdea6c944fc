"""What people agree to, and take back."""

from typing import Any

import httpx2
import pytest

from libs.common.contracts.audit import AuditRecorded
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.models import Act
from tests.service.users.conftest import Appointing, shares_a_case, shares_no_case

MINE = "/api/v1/users/me/consents"


async def say(client: httpx2.AsyncClient, path: str = MINE, **body: Any) -> httpx2.Response:
    given = {"purpose": "contact", "is_given": True, **body}
    return await client.post(path, json=given)


async def test_what_holds_is_what_was_said_last_and_all_of_it_is_kept(
    stage: Stage, a_user: Appointing
) -> None:
    """S4-19c."""
    user = await a_user("citizen")
    own = stage.client(Role.CITIZEN, f"user:{user['user_id']}")
    first = await say(own, text_version="2.1-ne")
    await say(own, purpose="research")
    await say(own, is_given=False)

    data = (await own.get(MINE)).json()["data"]

    assert first.status_code == 201
    current = {row["purpose"]: row["is_given"] for row in data["current"]}
    assert current == {"contact": False, "research": True}
    history = [(row["purpose"], row["is_given"]) for row in data["history"]["items"]]
    assert history == [("contact", False), ("research", True), ("contact", True)]
    assert data["history"]["items"][-1] == first.json()["data"]
    assert first.json()["data"]["said_by"] == f"user:{user['user_id']}"
    assert first.json()["data"]["text_version"] == "2.1-ne"


async def test_a_long_history_comes_in_pages(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    own = stage.client(Role.CITIZEN, f"user:{user['user_id']}")
    said = [(await say(own)).json()["data"]["consent_id"] for _ in range(5)]

    found, cursor = [], None
    for _ in range(3):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        history = (await own.get(MINE, params=params)).json()["data"]["history"]
        found += [row["consent_id"] for row in history["items"]]
        cursor = history["next_cursor"]

    assert (found, cursor) == (said[::-1], None)


async def test_the_same_request_with_the_same_key_is_said_once(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    own = stage.client(Role.CITIZEN, f"user:{user['user_id']}")
    body = {"purpose": "contact", "is_given": True}
    answers = [await own.post(MINE, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len((await own.get(MINE)).json()["data"]["history"]["items"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": "spam"},
        {"is_given": "yes"},
        {"text_version": "9841777001"},
        {"text_version": "Sita said so"},
        {"reason": "in_person"},
        {"user_id": 1},
    ],
)
async def test_what_cannot_be_agreed_to_is_refused(
    stage: Stage, a_user: Appointing, wrong: dict[str, Any]
) -> None:
    user = await a_user("citizen")
    own = stage.client(Role.CITIZEN, f"user:{user['user_id']}")

    assert (await say(own, **wrong)).status_code == 422


async def test_an_officer_writes_down_what_they_were_told_and_how(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    path = f"/api/v1/users/{user['user_id']}/consents"
    officer = stage.client(Role.INTAKE_OFFICER, "user:9")
    shares_no_case(stage, user["user_id"])
    unseen = await say(officer, path, reason="by_phone")
    shares_a_case(stage, user["user_id"])
    silent = await say(officer, path)
    told = await say(officer, path, reason="by_phone")

    assert (unseen.status_code, unseen.json()["error"]["code"]) == (404, "USER_NOT_FOUND")
    assert (silent.status_code, silent.json()["error"]["code"]) == (422, "REASON_REQUIRED")
    assert told.status_code == 201
    own = stage.client(Role.CITIZEN, f"user:{user['user_id']}")
    [row] = (await own.get(MINE)).json()["data"]["history"]["items"]
    assert row["said_by"] == "user:9"
    assert (await officer.get(path)).json()["data"]["history"]["items"] == [row]
    [audit] = [each for each in await stage.said(AuditRecorded) if each.act == Act.CONSENT_RECORDED]
    assert (audit.who, audit.reason) == ("user:9", "by_phone")


async def test_nobody_else_says_it_for_them(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    path = f"/api/v1/users/{user['user_id']}/consents"
    shares_a_case(stage, user["user_id"])

    other = stage.client(Role.CITIZEN, "user:77")
    assert (await say(other, path, reason="in_person")).status_code == 404
    assert (await other.get(path)).status_code == 404
    for role in (Role.GUEST, Role.API_CLIENT):
        refused = await say(stage.client(role), path, reason="in_person")
        assert refused.status_code == 403, role
    observer = await say(stage.client(Role.AUDITOR), path, reason="in_person")
    assert observer.status_code == 404
    assert (await say(stage.client(Role.GUEST))).status_code == 403
