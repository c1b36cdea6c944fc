"""The audit log through the door: what everybody did, shown to those who may know of it."""

from datetime import timedelta
from typing import Any

import pytest

from libs.common.clock import utc_now
from libs.common.contracts.audit import AuditRecorded
from libs.common.principal import Role
from libs.common.testing.stage import Stage, until

AUDIT = "/api/v1/audit"
CASE = "case:GRV-2026-7K3MQX-4"


def an_act(act: str = "case_acted", *, who: str = "user:12", **more: Any) -> AuditRecorded:
    said = {"target": CASE, "role": "grc_chair", "details": {"action": "start"}, **more}
    return AuditRecorded(who=who, act=act, **said)


async def log_of(stage: Stage, role: Role = Role.AUDITOR, /, **query: str) -> list[dict[str, Any]]:
    """One page of the log, as `role` sees it."""
    answer = await stage.client(role).get(AUDIT, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["data"]["items"]
    return items


async def test_what_another_service_says_is_read_by_auditors(stage: Stage) -> None:
    """Issue 4, audit: fed by `audit.recorded`, which travels apart."""
    event_id = await stage.say(an_act(), source="grievance", restricted=True)

    [row] = await log_of(stage, target=CASE)

    at = row.pop("at")
    assert row == {
        "event_id": event_id,
        "service": "grievance",
        "who": "user:12",
        "role": "grc_chair",
        "act": "case_acted",
        "target": CASE,
        "reason": None,
        "details": {"action": "start"},
    }
    assert at.endswith("Z")


async def test_what_users_does_itself_takes_the_same_way(stage: Stage) -> None:
    """Issue 4, audit: of every service, in the transaction of the act."""

    async def told() -> bool:
        return bool(await log_of(stage, service="users", act="user_created", target="user:1"))

    await until(told)


async def test_reading_the_log_stands_in_the_log_once_per_look(stage: Stage) -> None:
    """Issue 4, audit: by what somebody looked, and not for what."""
    for _ in range(3):
        await stage.say(an_act(), source="grievance", restricted=True)
    auditor = stage.client(Role.AUDITOR, "auditor-7")
    first = (await auditor.get(AUDIT, params={"target": CASE, "limit": 2})).json()["data"]
    more = {"target": CASE, "limit": 2, "cursor": first["next_cursor"]}
    second = (await auditor.get(AUDIT, params=more)).json()["data"]

    assert len(first["items"]) == 2
    assert len(second["items"]) == 1
    assert second["next_cursor"] is None
    seen = [row["event_id"] for row in (*first["items"], *second["items"])]
    assert len(set(seen)) == 3
    facts = [fact for fact in await stage.said(AuditRecorded) if fact.who == "auditor-7"]
    assert [(fact.act, fact.details) for fact in facts] == [("audit_read", {"filters": ["target"]})]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"who": "user:1"}, ["a"]),
        ({"act": "b"}, ["b"]),
        ({"service": "files"}, ["c"]),
        ({"reason": "legal_request"}, ["d"]),
        ({"target": "case:other"}, ["e"]),
        ({"target": CASE, "service": "grievance"}, ["d", "b", "a"]),
        ({"who": "user:1", "act": "b"}, []),
    ],
)
async def test_what_is_looked_for_is_found(
    stage: Stage, query: dict[str, str], found: list[str]
) -> None:
    """Issue 4: `GET /api/v1/audit` with filters."""
    await stage.say(an_act("a", who="user:1"), source="grievance")
    await stage.say(an_act("b"), source="grievance")
    await stage.say(an_act("c"), source="files")
    await stage.say(an_act("d", reason="legal_request"), source="grievance")
    await stage.say(an_act("e", target="case:other"), source="grievance")

    rows = await log_of(stage, **query)

    assert [row["act"] for row in rows if row["service"] != "users"] == found


async def test_the_log_is_read_by_the_time_of_the_acts(stage: Stage) -> None:
    await stage.say(an_act(), source="grievance")
    now = utc_now()

    async def seen(start: timedelta, end: timedelta) -> int:
        times = {"date_from": (now + start).isoformat(), "date_to": (now + end).isoformat()}
        return len(await log_of(stage, target=CASE, **times))

    assert await seen(-timedelta(minutes=1), timedelta(minutes=1)) == 1
    assert await seen(timedelta(minutes=1), timedelta(minutes=2)) == 0
    assert await seen(-timedelta(minutes=2), -timedelta(minutes=1)) == 0


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        (Role.AUDITOR, ["open"]),
        (Role.SUPER_ADMIN, ["open"]),
        (Role.SEAH_HQ_OFFICER, ["secret"]),
        (Role.ADB_HQ_EXEC, ["open", "secret"]),
    ],
)
async def test_restricted_acts_are_for_those_who_may_know_of_them(
    stage: Stage, role: Role, seen: list[str]
) -> None:
    """Reliability 3 row 43: to an auditor there is no such case, in no count and no cursor."""
    hidden = await stage.say(an_act("secret", is_restricted=True), source="grievance")
    await stage.say(an_act("open"), source="grievance")

    rows = await log_of(stage, role, target=CASE)

    assert sorted(row["act"] for row in rows) == seen
    answer = await stage.client(role).get(AUDIT, params={"cursor": hidden})
    assert answer.status_code == (200 if "secret" in seen else 422)
    assert "position" not in answer.text


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (None, 401),
        (Role.GUEST, 403),
        (Role.CITIZEN, 403),
        (Role.API_CLIENT, 403),
        (Role.GRC_CHAIR, 403),
        (Role.COUNTRY_ADMIN, 403),
        (Role.SEAH_NATIONAL_OFFICER, 403),
    ],
)
async def test_nobody_else_reads_the_log(stage: Stage, role: Role | None, status: int) -> None:
    answer = await stage.client(role).get(AUDIT)

    assert answer.status_code == status


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "019cac98-c1f0-7e47-93b6-8a5d5d1e8a40"},
        {"limit": "0"},
        {"who": "nul\0"},
        {"act": "CASE"},
        {"date_from": "2026-03-01T00:00:00"},
        {"positions": "1"},
    ],
)
async def test_what_cannot_be_looked_for_is_refused(stage: Stage, query: dict[str, str]) -> None:
    answer = await stage.client(Role.AUDITOR).get(AUDIT, params=query)

    assert answer.status_code == 422
