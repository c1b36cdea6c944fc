"""A case's life (domain.md T2–T4, T10, T11, T21) and tracking."""

import asyncio
from typing import Any

import httpx2
import pytest

from libs.common.contracts.grievance import GrievanceStatusChanged
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.grievance.conftest import Filing

OFFICER = Role.PD_PIU_SAFEGUARDS_FOCAL
PROPOSAL = {
    "resolution_category": "accepted_repair",
    "text": "The pipe was replaced on Monday.",
    "public_text_en": "The water pipe was replaced.",
    "public_text_ne": "खानेपानीको पाइप फेरियो।",
}


class Case:
    """One case and the people around it."""

    def __init__(self, stage: Stage, filed: dict[str, Any]) -> None:
        self.stage = stage
        self.path = f"/api/v1/grievances/{filed['grievance_id']}"
        self.filed = filed

    async def act(
        self, action: str, *, role: Role = OFFICER, subject: str | None = None, **more: Any
    ) -> httpx2.Response:
        client = self.stage.client(role, subject)
        etag = (await client.get(self.path)).headers.get("ETag", '"0"')
        return await client.post(
            f"{self.path}/actions", json={"action": action, **more}, headers={"If-Match": etag}
        )

    async def confirm(self) -> None:
        answer = await self.stage.client(OFFICER).put(
            self.path.replace("/v1", ""), json={"categories": ["ACCESS_WATER"]}
        )
        assert answer.status_code == 200

    async def propose(self) -> None:
        await self.confirm()
        for action in ("acknowledge", "evaluate", "start"):
            assert (await self.act(action)).status_code == 200
        assert (await self.act("propose", proposal=PROPOSAL)).status_code == 200

    async def status(self) -> str:
        answer = await self.stage.client(Role.GUEST, "guest-1").get(f"{self.path}/status")
        found: str = answer.json()["data"]["status"]
        return found


@pytest.fixture
async def case(stage: Stage, a_grievance: Filing) -> Case:
    return Case(stage, await a_grievance())


async def test_a_case_walks_from_filing_to_closing(case: Case) -> None:
    await case.propose()
    assert (await case.act("accept", role=Role.GUEST, subject="guest-1")).status_code == 200
    assert (await case.act("close", role=Role.PROJECT_ADMIN)).status_code == 200

    assert await case.status() == "closed"
    moves = [(f.action, f.to_status) for f in await case.stage.said(GrievanceStatusChanged)]
    assert moves == [
        ("acknowledge", "acknowledged"),
        ("evaluate", "under_evaluation"),
        ("start", "in_progress"),
        ("propose", "resolution_proposed"),
        ("accept", "resolved"),
        ("close", "closed"),
    ]
    history = await case.stage.client(OFFICER).get(f"{case.path}/history")
    assert [row["status"] for row in history.json()["data"]] == [
        "pending",
        *(to for _, to in moves),
    ]


async def test_an_illegal_step_names_what_is_allowed(case: Case) -> None:
    answer = await case.act("start")

    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "ILLEGAL_STATUS_TRANSITION"
    assert error["details"]["allowed"] == ["acknowledge"]


async def test_a_case_is_acknowledged_once_a_person_said_what_it_is_about(case: Case) -> None:
    refused = await case.act("acknowledge")
    await case.confirm()
    done = await case.act("acknowledge")

    assert refused.json()["error"]["code"] == "CLASSIFICATION_NOT_CONFIRMED"
    assert done.json()["data"]["status"] == "acknowledged"


async def test_a_proposal_has_words_in_both_languages(case: Case) -> None:
    await case.confirm()
    await case.act("acknowledge")
    await case.act("evaluate")

    without = await case.act("propose")
    short = await case.act("propose", proposal=PROPOSAL | {"text": "short"})

    assert without.json()["error"]["code"] == "PROPOSAL_INCOMPLETE"
    assert short.status_code == 422


async def test_only_the_complainant_accepts_or_their_recorded_consent(case: Case) -> None:
    await case.propose()

    assert (await case.act("accept")).json()["error"]["code"] == "CONSENT_NOT_RECORDED"
    assert (await case.act("accept", consent_recorded=True)).status_code == 200


async def test_a_complainant_accepts_with_reference_and_access_code(case: Case) -> None:
    """Issue B6: without an account."""
    await case.propose()
    client = case.stage.client(Role.GUEST, "guest-9")
    body = {"action": "accept", "access_code": case.filed["access_code"]}

    wrong = await client.post(f"{case.path}/actions", json=body | {"access_code": "0" * 12})
    right = await client.post(f"{case.path}/actions", json=body)

    assert wrong.status_code == 404
    assert right.json()["data"]["status"] == "resolved"


async def test_a_complainant_cannot_do_an_officers_work(case: Case) -> None:
    await case.confirm()

    answer = await case.act("acknowledge", role=Role.GUEST, subject="guest-1")

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ACTION_NOT_ALLOWED")


async def test_observers_do_not_act(case: Case) -> None:
    await case.confirm()

    assert (await case.act("acknowledge", role=Role.AUDITOR)).status_code == 403


async def test_who_resolved_does_not_close(case: Case) -> None:
    await case.confirm()
    for action in ("acknowledge", "evaluate"):
        await case.act(action)
    await case.act("propose", proposal=PROPOSAL, role=Role.PROJECT_ADMIN, subject="boss")
    await case.act("accept", consent_recorded=True)

    answer = await case.act("close", role=Role.PROJECT_ADMIN, subject="boss")

    assert answer.json()["error"]["code"] == "RESOLVER_CANNOT_CLOSE"


async def test_of_fifty_edits_of_one_version_one_wins(case: Case) -> None:
    """Guarantee 4; reliability.md row 20."""
    client = case.stage.client(OFFICER)

    answers = await asyncio.gather(
        *(
            client.put(case.path, json={"ward": n + 1}, headers={"If-Match": '"1"'})
            for n in range(50)
        )
    )

    # On a busy machine the last in line may be told to come back (503), and win nothing.
    found = [each.status_code for each in answers]
    assert sorted(set(found) - {503}) == [200, 412]
    assert found.count(200) == 1


async def test_staff_say_which_version_they_act_on(case: Case) -> None:
    await case.confirm()
    client = case.stage.client(OFFICER)

    none = await client.post(f"{case.path}/actions", json={"action": "acknowledge"})
    stale = await client.post(
        f"{case.path}/actions", json={"action": "acknowledge"}, headers={"If-Match": '"1"'}
    )

    assert (none.status_code, stale.status_code) == (428, 412)


async def test_the_sources_status_route_moves_a_case(case: Case) -> None:
    """S0-14, S0-15, S1-28: update_grievance_status."""
    await case.confirm()
    client = case.stage.client(OFFICER)
    path = f"{case.path.replace('/v1', '')}/status/"

    moved = await client.put(path, json={"status": "ACKNOWLEDGED", "notes": "seen"})
    unknown = await client.put(path, json={"status": "nonsense"})
    illegal = await client.put(path, json={"status": "closed"})
    guest = await case.stage.client(Role.GUEST, "guest-1").put(path, json={"status": "closed"})

    assert moved.json()["data"]["status"] == "acknowledged"
    assert (unknown.status_code, illegal.status_code, guest.status_code) == (422, 409, 403)
    assert (await client.get(path)).json()["data"]["allowed_actions"] == ["evaluate", "start"]


async def test_a_citizen_tracks_with_reference_and_access_code(case: Case) -> None:
    await case.propose()

    answer = await case.stage.client(Role.GUEST, "guest-9").post(
        "/api/v1/grievances/track",
        json={
            "grievance_id": case.filed["grievance_id"],
            "access_code": case.filed["access_code"],
        },
    )

    data = answer.json()["data"]
    assert data["status"] == "resolution_proposed"
    assert PROPOSAL["public_text_ne"] in data["resolution"]
    assert {row["created_by"] for row in data["history"]} == {None}


async def test_wrong_access_codes_are_counted(case: Case) -> None:
    client = case.stage.client(Role.GUEST, "guest-9")
    body = {"grievance_id": case.filed["grievance_id"], "access_code": "1" * 12}

    statuses = [
        (await client.post("/api/v1/grievances/track", json=body)).status_code for _ in range(12)
    ]

    assert statuses == [404] * 10 + [429] * 2


async def test_chat_accepts_for_its_complainant_only(case: Case) -> None:
    await case.propose()
    path = case.path.replace("/api/v1", "/internal") + "/actions"
    chat = case.stage.peer("chat")

    stranger = await chat.post(path, json={"action": "accept", "by": "guest-2"})
    complainant = await chat.post(path, json={"action": "accept", "by": "guest-1"})

    assert stranger.status_code == 404
    assert complainant.json()["data"]["status"] == "resolved"
