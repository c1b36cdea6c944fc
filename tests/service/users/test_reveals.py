"""Personal data in plain text: for a reason, for a time, written down before it is shown."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from libs.common.contracts.audit import AuditRecorded
from libs.common.principal import OBSERVERS, Role
from libs.common.testing.stage import Stage
from services.users.app import create_app
from services.users.domain import people
from services.users.models import Act, Reveal
from services.users.settings import UsersSettings
from tests.service.users.conftest import NAME, Appointing, shares_a_case, shares_no_case

CASE = "GRV-2026-7K3MQX-4"
WORKDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
OFFICER = "user:9"
SOMEBODY = "user:1"
"""Staff with a row of their own: the first administrator's."""


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the clock of reveals; without a call it is a Monday morning."""

    def on(now: datetime) -> None:
        monkeypatch.setattr("services.users.domain.revealing.utc_now", lambda: now)

    on(WORKDAY)
    return on


async def reveal(
    stage: Stage,
    user: dict[str, Any],
    *,
    by: str = OFFICER,
    role: Role = Role.INTAKE_OFFICER,
    reason: str = "contact_complainant",
    fields: tuple[str, ...] = ("name", "phone_number"),
    **more: Any,
) -> httpx2.Response:
    body = {"reason": reason, "fields": list(fields), **more}
    path = f"/api/v1/users/{user['user_id']}/reveal"
    return await stage.client(role, by).post(path, json=body)


async def rows(stage: Stage) -> list[Reveal]:
    async with stage.uow.read() as tx:
        return list(await tx.session.scalars(select(Reveal).order_by(Reveal.reveal_id)))


async def acts(stage: Stage, *wanted: Act) -> list[AuditRecorded]:
    return [row for row in await stage.said(AuditRecorded) if row.act in wanted]


@pytest.mark.usefixtures("at_work")
async def test_what_is_asked_for_is_shown_for_two_minutes(stage: Stage, a_user: Appointing) -> None:
    """Issue 4, reveal."""
    user = await a_user("citizen", email="sita@example.org", national_id="12-01-75-00123")
    shares_a_case(stage, user["user_id"])

    answer = await reveal(
        stage, user, fields=("name", "national_id", "address", "name"), grievance_id=CASE
    )

    data = answer.json()["data"]
    assert answer.status_code == 200
    assert data["fields"] == {"name": NAME, "national_id": "12-01-75-00123", "address": None}
    assert data["expires_at"] == "2026-03-02T06:02:00Z"
    assert answer.headers["cache-control"] == "no-store"
    assert stage.peers.asked[-1].url.params["grievance_id"] == CASE
    [row] = await rows(stage)
    assert (row.reveal_id, row.by, row.reason) == (
        data["reveal_id"],
        OFFICER,
        "contact_complainant",
    )
    assert (row.grievance_id, row.fields, row.refused) == (
        CASE,
        ["name", "national_id", "address"],
        None,
    )
    [told] = await acts(stage, Act.REVEAL_GRANTED)
    assert (told.who, told.target, told.reason) == (
        OFFICER,
        f"user:{user['user_id']}",
        "contact_complainant",
    )
    assert told.details["reveal_id"] == data["reveal_id"]
    assert not told.is_restricted
    assert await acts(stage, Act.REVEAL_ALERT) == []


async def test_it_is_in_the_database_before_anything_is_read(
    stage: Stage, a_user: Appointing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 4: an audit row committed before the bytes leave."""
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"])
    seen: list[tuple[int, int]] = []
    opened = people.opened

    async def noting(*given: Any) -> people.Person:
        seen.append((len(await rows(stage)), len(await acts(stage, Act.REVEAL_GRANTED))))
        return await opened(*given)

    monkeypatch.setattr(people, "opened", noting)
    await reveal(stage, user)

    assert seen == [(1, 1)]


@pytest.mark.usefixtures("at_work")
async def test_of_a_restricted_case_it_is_one_minute_and_nobody_else_knows(
    stage: Stage, a_user: Appointing
) -> None:
    """domain.md, SEAH handling."""
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"], restricted=True)

    answer = await reveal(stage, user, role=Role.SEAH_HQ_OFFICER)

    assert answer.json()["data"]["expires_at"] == "2026-03-02T06:01:00Z"
    assert {row.is_restricted for row in await acts(stage, Act.REVEAL_GRANTED)} == {True}
    listed = await stage.client(Role.AUDITOR).get("/api/v1/reveals")
    assert listed.json()["data"]["items"] == []
    own = await stage.client(Role.SEAH_HQ_OFFICER, OFFICER).get("/api/v1/reveals")
    assert len(own.json()["data"]["items"]) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"reason": "curious"}, "REVEAL_REASON_UNKNOWN"),
        ({"reason": "CONTACT_COMPLAINANT"}, "REVEAL_REASON_UNKNOWN"),
        ({"fields": ()}, "VALIDATION_ERROR"),
        ({"fields": ("password_hash",)}, "VALIDATION_ERROR"),
        ({"grievance_id": "a b"}, "VALIDATION_ERROR"),
        ({"user_id": 1}, "VALIDATION_ERROR"),
    ],
)
async def test_what_is_no_question_is_refused(
    stage: Stage, a_user: Appointing, wrong: dict[str, Any], code: str
) -> None:
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"])
    answer = await reveal(stage, user, **wrong)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert await rows(stage) == []


@pytest.mark.usefixtures("at_work")
async def test_whoever_asks_for_somebody_they_do_not_see_is_noticed(
    stage: Stage, a_user: Appointing, capsys: pytest.CaptureFixture[str]
) -> None:
    """domain.md: alert on any denial."""
    user = await a_user("citizen")
    shares_no_case(stage, user["user_id"])

    answer = await reveal(stage, user, grievance_id="9841777001")
    nobody = await reveal(stage, {"user_id": 7777})

    for each in (answer, nobody):
        assert (each.status_code, each.json()["error"]["code"]) == (404, "USER_NOT_FOUND")
    [row] = await rows(stage)
    assert (row.refused, row.grievance_id, row.expires_at) == ("USER_NOT_FOUND", None, None)
    refused = await acts(stage, Act.REVEAL_REFUSED)
    assert [each.target for each in refused] == [f"user:{user['user_id']}", "user:7777"]
    alerts = await acts(stage, Act.REVEAL_ALERT)
    assert [each.reason for each in alerts] == ["denied", "denied"]
    out = capsys.readouterr().out
    assert out.count("reveal.alert") == 2
    assert NAME not in out


async def test_a_case_that_is_not_theirs_opens_nobody_not_even_to_a_super_admin(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    shares_no_case(stage, user["user_id"])

    with_case = await reveal(stage, user, role=Role.SUPER_ADMIN, grievance_id=CASE)
    without = await reveal(stage, user, role=Role.SUPER_ADMIN)

    assert (with_case.status_code, without.status_code) == (404, 200)


async def test_without_grievance_nothing_is_revealed(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    answer = await reveal(stage, user)

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "PEER_UNAVAILABLE")
    assert await rows(stage) == []


@pytest.mark.parametrize("role", [Role.GUEST, Role.CITIZEN, Role.API_CLIENT, *sorted(OBSERVERS)])
async def test_observers_and_people_reveal_nobody(
    stage: Stage, a_user: Appointing, role: Role
) -> None:
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"])

    assert (await reveal(stage, user, role=role)).status_code == 403
    assert await rows(stage) == []


async def test_the_fourth_in_an_hour_and_one_at_night_are_noticed_and_granted(
    stage: Stage, a_user: Appointing, at_work: Callable[[datetime], None]
) -> None:
    """domain.md: more than 3 reveals an hour, off-hours."""
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"])
    for minute in (0, 10, 20):
        at_work(WORKDAY + timedelta(minutes=minute))
        assert (await reveal(stage, user)).status_code == 200
    assert await acts(stage, Act.REVEAL_ALERT) == []

    at_work(WORKDAY + timedelta(minutes=30))
    assert (await reveal(stage, user)).status_code == 200
    at_work(WORKDAY + timedelta(hours=1, minutes=25))
    assert (await reveal(stage, user)).status_code == 200
    at_work(WORKDAY + timedelta(hours=10))
    assert (await reveal(stage, user)).status_code == 200

    assert [each.reason for each in await acts(stage, Act.REVEAL_ALERT)] == ["many", "off_hours"]


async def test_there_are_only_so_many_in_a_day(
    raise_stage: Callable[..., Awaitable[Stage]], at_work: Callable[[datetime], None]
) -> None:
    stage = await raise_stage(
        "users", create_app, UsersSettings,
        argon_memory_kib=64, reveals_a_day=2, seah_reveals_a_day=1,
    )  # fmt: skip
    body = {"phone_number": "9812345678", "name": NAME, "role": "citizen"}
    created = await stage.client(Role.SUPER_ADMIN).post("/api/v1/users", json=body)
    user = created.json()["data"]
    shares_a_case(stage, user["user_id"])

    answers = await asyncio.gather(*(reveal(stage, user, by=SOMEBODY) for _ in range(5)))
    seah = [await reveal(stage, user, by="user:8", role=Role.SEAH_HQ_OFFICER) for _ in range(2)]
    at_work(WORKDAY + timedelta(days=1, seconds=1))
    tomorrow = await reveal(stage, user, by=SOMEBODY)

    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429]
    codes = {each.json()["error"]["code"] for each in answers if each.status_code == 429}
    assert codes == {"REVEAL_QUOTA"}
    assert [each.status_code for each in seah] == [200, 429]
    assert tomorrow.status_code == 200
    refused = [row.refused for row in await rows(stage) if row.refused]
    assert refused == ["REVEAL_QUOTA"] * 4
    alerts = [each.reason for each in await acts(stage, Act.REVEAL_ALERT)]
    assert alerts.count("denied") == 4


async def test_whoever_looks_no_more_says_so(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"])
    revealed = (await reveal(stage, user)).json()["data"]
    path = f"/api/v1/reveals/{revealed['reveal_id']}/close"
    officer = stage.client(Role.INTAKE_OFFICER, OFFICER)

    other = await stage.client(Role.INTAKE_OFFICER, "user:8").post(path)
    first, second = [await officer.post(path) for _ in range(2)]

    assert (other.status_code, other.json()["error"]["code"]) == (404, "REVEAL_NOT_FOUND")
    assert first.json()["data"]["closed_at"] is not None
    assert second.json() == first.json()
    assert len(await acts(stage, Act.REVEAL_CLOSED)) == 1
    assert (await officer.post("/api/v1/reveals/nothing/close")).status_code == 404


async def test_officers_see_their_own_reveals_and_auditors_all_of_them(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"])
    for by in (OFFICER, "user:8", OFFICER):
        await reveal(stage, user, by=by)

    async def listed(role: Role, by: str) -> list[str]:
        answer = await stage.client(role, by).get("/api/v1/reveals")
        assert NAME not in answer.text
        return [item["by"] for item in answer.json()["data"]["items"]]

    assert await listed(Role.INTAKE_OFFICER, OFFICER) == [OFFICER, OFFICER]
    assert await listed(Role.AUDITOR, "user:3") == [OFFICER, "user:8", OFFICER]
    assert (await stage.client(Role.CITIZEN).get("/api/v1/reveals")).status_code == 403


async def test_what_is_revealed_is_kept_in_no_stored_reply(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"])
    body = {"reason": "legal_request", "fields": ["name"]}
    path = f"/api/v1/users/{user['user_id']}/reveal"
    officer = stage.client(Role.INTAKE_OFFICER, OFFICER)
    answers = [
        await officer.post(path, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]

    assert len({answer.json()["data"]["reveal_id"] for answer in answers}) == 2
    assert "idempotency-replayed" not in answers[1].headers


async def test_the_code_word_is_revealed_to_whoever_has_to_say_it(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"])
    own = stage.client(Role.CITIZEN, f"user:{user['user_id']}")
    await own.put(
        "/api/v1/users/me/preferences", json={"code_word": "छाता"}, headers={"If-Match": '"0"'}
    )
    answer = await reveal(stage, user, fields=("code_word",))

    assert answer.json()["data"]["fields"] == {"code_word": "छाता"}
