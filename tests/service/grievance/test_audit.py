"""What the audit log is told of cases: acts of staff, in the transaction of the act."""

from typing import Any

from libs.common.contracts.audit import AuditRecorded
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.grievance.conftest import HARASSED, Filing

OFFICER = Role.PD_PIU_SAFEGUARDS_FOCAL
SEAH = Role.SEAH_NATIONAL_OFFICER


async def told(stage: Stage) -> list[tuple[str, str, dict[str, Any], bool]]:
    """What was said to the audit log, oldest first."""
    facts = await stage.said(AuditRecorded)
    return [(fact.who, fact.act, fact.details, fact.is_restricted) for fact in facts]


async def act(stage: Stage, role: Role, path: str, action: str) -> int:
    client = stage.client(role)
    etag = (await client.get(path)).headers["ETag"]
    body = {"action": action}
    answer = await client.post(f"{path}/actions", json=body, headers={"If-Match": etag})
    return answer.status_code


async def test_what_officers_do_to_a_case_is_audited(stage: Stage, a_grievance: Filing) -> None:
    """Issue 4, audit: from every service. Never what anybody wrote: ids, codes, names of fields."""
    filed = await a_grievance()
    path = f"/api/v1/grievances/{filed['grievance_id']}"
    client = stage.client(OFFICER)
    etag = (await client.get(path)).headers["ETag"]
    body = {"categories": ["ACCESS_WATER"], "summary": "No water."}
    assert (await client.put(path, json=body, headers={"If-Match": etag})).status_code == 200
    note = (await client.post(f"{path}/notes", json={"text": "Called the ward."})).json()["data"]
    assert await act(stage, OFFICER, path, "acknowledge") == 200
    assert await act(stage, OFFICER, path, "acknowledge") == 409

    who = f"{OFFICER}-1"
    moved = {"action": "acknowledge", "from_status": "pending", "to_status": "acknowledged"}
    assert await told(stage) == [
        (who, "case_corrected", {"fields": ["categories", "summary"]}, False),
        (who, "case_note_added", {"note_id": note["note_id"]}, False),
        (who, "case_acted", moved, False),
    ]
    [*_, fact] = await stage.said(AuditRecorded)
    assert (fact.target, fact.role) == (f"case:{filed['grievance_id']}", OFFICER)
    assert all(envelope.restricted for envelope in await stage.envelopes(AuditRecorded))


async def test_citizens_file_and_accept_without_being_audited(
    stage: Stage, a_grievance: Filing
) -> None:
    """What they do themselves is the case's history."""
    filed = await a_grievance()
    path = f"/api/v1/grievances/{filed['grievance_id']}"
    await stage.client(Role.GUEST, "guest-1").get(path)

    assert await told(stage) == []


async def test_staff_who_file_for_somebody_are_audited(stage: Stage, a_grievance: Filing) -> None:
    """Issue 4, audit: filing on behalf."""
    await a_grievance(by="user:5", role=Role.INTAKE_OFFICER)
    await a_grievance(HARASSED, by="user:5", role=Role.INTAKE_OFFICER)

    assert await told(stage) == [
        ("user:5", "case_filed_for_somebody", {}, False),
        ("user:5", "case_filed_for_somebody", {}, True),
    ]


async def test_reading_a_seah_case_is_audited_before_anything_of_it_is_seen(
    stage: Stage, a_grievance: Filing
) -> None:
    """Reliability 3 row 43: whoever reads one leaves a row, which is for SEAH readers alone."""
    filed = await a_grievance(HARASSED)
    path = f"/api/v1/grievances/{filed['grievance_id']}"
    for part in ("", "/history", "/notes"):
        assert (await stage.client(SEAH).get(f"{path}{part}")).status_code == 200
        assert (await stage.client(OFFICER).get(f"{path}{part}")).status_code == 404
    assert (await stage.client(Role.GUEST, "guest-1").get(path)).status_code == 200

    assert await told(stage) == [(f"{SEAH}-1", "case_read", {}, True)] * 3


async def test_reading_any_other_case_is_not(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance()
    path = f"/api/v1/grievances/{filed['grievance_id']}"
    assert (await stage.client(OFFICER).get(path)).status_code == 200

    assert await told(stage) == []


async def test_acts_on_a_seah_case_are_restricted(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance(HARASSED)
    path = f"/api/v1/grievances/{filed['grievance_id']}"
    await stage.client(SEAH).post(f"{path}/notes", json={"text": "Referred to services."})

    [row] = await told(stage)
    assert row[1] == "case_note_added"
    assert row[3] is True
