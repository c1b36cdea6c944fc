"""How people want to be spoken to, and whether they may be contacted now."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.users import UserErased, UserUpdated
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.models import Act, Preference, User
from tests.service.users.conftest import Appointing, shares_a_case, shares_no_case

MINE = "/api/v1/users/me/preferences"
WANTED = {
    "language": "en",
    "channel": "sms",
    "safe_channels": ["sms", "email"],
    "hours": {"from": "10:00", "until": "16:30"},
    "code_word": "नीलो छाता",
    "never_leave_message": True,
}
NOTHING_SAID = {
    "language": "ne",
    "channel": None,
    "safe_channels": None,
    "hours": None,
    "has_code_word": False,
    "code_word": None,
    "never_leave_message": False,
    "version": 0,
}


def them(stage: Stage, user: dict[str, Any]) -> httpx2.AsyncClient:
    """The citizen, signed in."""
    return stage.client(Role.CITIZEN, f"user:{user['user_id']}")


async def put(client: httpx2.AsyncClient, path: str, etag: int, **body: Any) -> httpx2.Response:
    return await client.put(path, json=body, headers={"If-Match": f'"{etag}"'})


async def test_whoever_said_nothing_is_spoken_to_in_nepali_on_any_channel(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    answer = await them(stage, user).get(MINE)

    assert answer.json()["data"] == NOTHING_SAID
    assert answer.headers["etag"] == '"0"'


async def test_what_somebody_said_is_what_they_read(stage: Stage, a_user: Appointing) -> None:
    """Issue 4, preferences: shown to the person, the code word too."""
    user = await a_user("citizen")
    changed = await put(them(stage, user), MINE, 0, **WANTED)
    read = await them(stage, user).get(MINE)

    assert changed.status_code == 200, changed.text
    assert changed.json()["data"] == read.json()["data"]
    assert read.json()["data"] == {**WANTED, "has_code_word": True, "version": 1}
    assert (read.headers["etag"], read.headers["cache-control"]) == ('"1"', "no-store")
    assert await stage.said(UserUpdated) == [
        UserUpdated(user_id=user["user_id"], fields=["preferences"])
    ]


async def test_what_is_left_out_stays_and_null_takes_it_back(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    await put(them(stage, user), MINE, 0, **WANTED)
    answer = await put(them(stage, user), MINE, 1, hours=None, safe_channels=[])

    assert answer.json()["data"] == {
        **WANTED,
        "hours": None,
        "safe_channels": [],
        "has_code_word": True,
        "version": 2,
    }


async def test_the_channel_one_likes_best_is_one_of_the_safe_ones(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    client = them(stage, user)
    at_odds = await put(client, MINE, 0, channel="email", safe_channels=["sms"])
    await put(client, MINE, 0, channel="email", safe_channels=["sms", "email"])
    later = await put(client, MINE, 1, channel="phone")
    narrowed = await put(client, MINE, 1, safe_channels=["sms"])

    for answer in (at_odds, later):
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "CHANNEL_NOT_SAFE")
    assert narrowed.status_code == 200, "Nothing keeps anybody from allowing less."
    data = narrowed.json()["data"]
    assert (data["channel"], data["safe_channels"]) == (None, ["sms"])


async def test_hours_are_written_in_the_digits_of_any_script(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    hours = {"from": "१०:००", "until": "१८:३०"}
    answer = await put(them(stage, user), MINE, 0, hours=hours)
    wrong = await put(them(stage, user), MINE, 1, hours={"from": "①०:००", "until": "१८:३०"})

    assert answer.json()["data"]["hours"] == {"from": "10:00", "until": "18:30"}
    assert wrong.status_code == 422


async def test_of_two_at_once_one_comes_too_late(stage: Stage, a_user: Appointing) -> None:
    """design.md 5.4."""
    user = await a_user("citizen")
    client = them(stage, user)
    answers = await asyncio.gather(*(put(client, MINE, 0, language="en") for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert (await client.put(MINE, json={})).status_code == 428


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "fr"},
        {"language": None},
        {"channel": "pigeon"},
        {"safe_channels": ["sms", "pigeon"]},
        {"safe_channels": "sms"},
        {"hours": {"from": "9:00", "until": "17:00"}},
        {"hours": {"from": "09:00", "until": "24:00"}},
        {"hours": {"from": "09:00", "until": "09:00"}},
        {"hours": {"from": "09:00"}},
        {"code_word": ""},
        {"code_word": "x" * 51},
        {"never_leave_message": "yes"},
        {"reason": "because"},
        {"user_id": 1},
    ],
)
async def test_what_nobody_can_want_is_refused(
    stage: Stage, a_user: Appointing, wrong: dict[str, Any]
) -> None:
    user = await a_user("citizen")

    assert (await put(them(stage, user), MINE, 0, **wrong)).status_code == 422


async def test_staff_with_the_case_read_all_of_it_but_the_code_word(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    path = f"/api/v1/users/{user['user_id']}/preferences"
    await put(them(stage, user), MINE, 0, **WANTED)
    officer = stage.client(Role.INTAKE_OFFICER)

    shares_no_case(stage, user["user_id"])
    assert (await officer.get(path)).status_code == 404
    shares_a_case(stage, user["user_id"])
    data = (await officer.get(path)).json()["data"]

    assert (data["has_code_word"], data["code_word"]) == (True, None)
    assert data["safe_channels"] == ["sms", "email"]
    own = await them(stage, user).get(path)
    assert own.json()["data"]["code_word"] == WANTED["code_word"]


async def test_an_officer_writes_them_down_for_a_reason(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    path = f"/api/v1/users/{user['user_id']}/preferences"
    shares_a_case(stage, user["user_id"])
    officer = stage.client(Role.INTAKE_OFFICER, "user:9")

    silent = await put(officer, path, 0, safe_channels=["email"])
    told = await put(
        officer, path, 0, safe_channels=["email"], code_word="छाता", reason="in_person"
    )

    assert (silent.status_code, silent.json()["error"]["code"]) == (422, "REASON_REQUIRED")
    assert (told.status_code, told.json()["data"]["code_word"]) == (200, None)
    [row] = [r for r in await stage.said(AuditRecorded) if r.act == Act.PREFERENCES_CHANGED]
    assert (row.who, row.target, row.reason) == ("user:9", f"user:{user['user_id']}", "in_person")


async def test_others_neither_read_nor_write_them(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    path = f"/api/v1/users/{user['user_id']}/preferences"
    shares_a_case(stage, user["user_id"])

    other = stage.client(Role.CITIZEN, "user:77")
    assert (await other.get(path)).status_code == 404
    assert (await put(other, path, 0, language="en")).status_code == 404
    assert (await stage.client(Role.GUEST).get(path)).status_code == 404
    assert (await stage.client(Role.GUEST, "guest:1").get(MINE)).status_code == 404
    for role in (Role.GUEST, Role.API_CLIENT):
        assert (await put(stage.client(role), path, 0, language="en")).status_code == 403
    assert (await put(stage.client(Role.CITIZEN, "user:77"), MINE, 0)).status_code == 404


async def ask(stage: Stage, user: dict[str, Any], **query: str) -> dict[str, Any]:
    """The one question, as tasks asks it."""
    path = f"/internal/users/{user['user_id']}/contact-decision"
    answer = await stage.peer("tasks").get(path, params={"purpose": "case_news", **query})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_our_own_programs_are_told_whether_how_and_where(
    stage: Stage, a_user: Appointing
) -> None:
    """Reliability 3 row 44."""
    user = await a_user("citizen", email="sita@example.org")

    assert await ask(stage, user) == {
        "user_id": user["user_id"],
        "may_contact": True,
        "why": "allowed",
        "channel": "sms",
        "address": "+9779812345678",
        "not_before": None,
        "language": "ne",
        "leave_message": True,
        "code_word_required": False,
    }
    assert (await ask(stage, user, channel="email"))["address"] == "sita@example.org"
    assert (await ask(stage, user, channel="chat"))["address"] is None
    restricted = await ask(stage, user, restricted="true")
    assert (restricted["why"], restricted["address"]) == ("channel_not_allowed", None)


async def test_outside_the_hours_no_address_is_given_and_it_is_said_when(
    stage: Stage, a_user: Appointing, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await a_user("citizen")
    await put(them(stage, user), MINE, 0, **WANTED)
    night = datetime(2026, 3, 2, 17, 15, tzinfo=UTC)
    monkeypatch.setattr("services.users.routes.internal.utc_now", lambda: night)

    found = await ask(stage, user)
    code = await ask(stage, user, purpose="one_time_code")

    assert (found["may_contact"], found["why"], found["address"]) == (False, "outside_hours", None)
    assert found["not_before"] == "2026-03-03T04:15:00Z"
    assert (code["may_contact"], code["code_word_required"]) == (True, True)


async def test_consent_taken_back_is_an_end_of_it(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    body = {"purpose": "contact", "is_given": False}
    said = await them(stage, user).post("/api/v1/users/me/consents", json=body)
    assert said.status_code == 201

    assert (await ask(stage, user))["why"] == "no_consent"
    assert (await ask(stage, user, purpose="one_time_code"))["may_contact"] is True


async def test_an_erased_person_is_left_alone(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    async with stage.uow.begin() as tx:
        row = await tx.session.get_one(User, user["user_id"])
        row.erased_at, row.version = datetime.now(UTC), row.version + 1
        tx.publish(UserErased(user_id=user["user_id"]))

    assert (await ask(stage, user))["why"] == "erased"


async def test_people_do_not_ask_it_and_nobody_is_asked_about_nobody(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    path = f"/internal/users/{user['user_id']}/contact-decision?purpose=case_news"
    peer = stage.peer("tasks")

    for role in (Role.CITIZEN, Role.SUPER_ADMIN):
        assert (await stage.client(role).get(path)).status_code == 403
    assert (
        await peer.get("/internal/users/77/contact-decision?purpose=case_news")
    ).status_code == 404
    assert (await peer.get(path.replace("case_news", "spam"))).status_code == 422


async def test_a_code_word_is_sealed(stage: Stage, a_user: Appointing) -> None:
    """design.md 5.5."""
    user = await a_user("citizen")
    await put(them(stage, user), MINE, 0, **WANTED)
    async with stage.uow.read() as tx:
        row = await tx.session.get_one(Preference, user["user_id"])

    assert row.code_word is not None
    assert "छाता".encode() not in row.code_word
