"""Filing, through every door it has (S0-11, S1-28, S1-29)."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.grievance.models import Grievance, Party, StatusHistory
from tests.service.grievance.conftest import HARASSED, WATER, Filing

SEED = {
    "grievance_id": "GRV001",
    "user_info": {"phone_number": "9812345678", "name": "Sita Sharma"},
    "project_type": "road",
    "description": WATER,
    "files": [],
}


async def rows(stage: Stage, model: type) -> int:
    async with stage.uow.read() as tx:
        return await tx.session.scalar(select(func.count()).select_from(model)) or 0


async def test_filing_gives_a_reference_and_an_access_code(
    stage: Stage, a_grievance: Filing
) -> None:
    filed = await a_grievance(contact={"name": "Sita", "phone_number": "९८१२३४५६७८"})

    assert filed["grievance_id"].startswith("GRV-")
    assert len(filed["access_code"]) == 12
    assert filed["status"] == "pending"
    [fact] = await stage.said(GrievanceSubmitted)
    assert (fact.grievance_id, fact.has_contact) == (filed["grievance_id"], True)
    assert await rows(stage, StatusHistory) == 1


async def test_an_anonymous_complaint_keeps_no_contact(stage: Stage, a_grievance: Filing) -> None:
    await a_grievance()

    assert await rows(stage, Party) == 0
    [fact] = await stage.said(GrievanceSubmitted)
    assert not fact.has_contact


async def test_the_literal_body_of_the_source_is_taken(stage: Stage) -> None:
    """S0-11: with and without the trailing slash."""
    client = stage.client(Role.GUEST)

    for path in ("/api/grievances/", "/api/grievances"):
        answer = await client.post(path, json=SEED)
        assert answer.status_code == 201
        assert {"Deprecation", "Sunset", "Link"} <= {name.title() for name in answer.headers}


async def test_only_an_api_client_brings_its_own_reference(stage: Stage) -> None:
    """Design 8: a citizen's becomes a reference of theirs."""
    guest = await stage.client(Role.GUEST).post("/api/grievances", json=SEED)
    client = await stage.client(Role.API_CLIENT).post("/api/grievances", json=SEED)

    assert guest.json()["data"]["grievance_id"] != "GRV001"
    assert client.json()["data"]["grievance_id"] == "GRV001"


async def test_an_own_reference_makes_the_call_idempotent(stage: Stage) -> None:
    client = stage.client(Role.API_CLIENT, "key:1")
    first = await client.post("/api/grievances", json=SEED)
    again = await client.post("/api/grievances", json=SEED)
    other = await stage.client(Role.API_CLIENT, "key:2").post("/api/grievances", json=SEED)

    assert again.json() == first.json()
    assert other.status_code == 409
    assert "Sita" not in other.text
    assert await rows(stage, Grievance) == 1


async def test_a_key_repeated_files_once_and_answers_the_same(stage: Stage) -> None:
    client = stage.client(Role.GUEST)
    body = {"description": WATER}

    answers = await asyncio.gather(
        *(
            client.post("/api/v1/grievances", json=body, headers={"Idempotency-Key": "k-1"})
            for _ in range(10)
        )
    )

    assert {each.status_code for each in answers} == {201}
    assert len({each.text for each in answers}) == 1
    assert await rows(stage, Grievance) == 1
    assert len(await stage.said(GrievanceSubmitted)) == 1


async def test_a_key_with_another_body_is_refused(stage: Stage) -> None:
    headers = {"Idempotency-Key": "k-1"}
    client = stage.client(Role.GUEST)
    await client.post("/api/v1/grievances", json={"description": WATER}, headers=headers)

    answer = await client.post("/api/v1/grievances", json={"description": "x"}, headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_the_same_key_of_somebody_else_is_another_request(stage: Stage) -> None:
    headers = {"Idempotency-Key": "k-1"}
    body = {"description": WATER}
    for guest in ("guest-1", "guest-2"):
        client = stage.client(Role.GUEST, guest)
        assert (
            await client.post("/api/v1/grievances", json=body, headers=headers)
        ).status_code == 201

    assert await rows(stage, Grievance) == 2


@pytest.mark.parametrize("key", ["", "k" * 300, "\u00fc"])
async def test_a_malformed_key_is_refused(stage: Stage, key: str) -> None:
    answer = await stage.client(Role.GUEST).post(
        "/api/v1/grievances",
        json={"description": WATER},
        headers=[(b"Idempotency-Key", key.encode())],
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "IDEMPOTENCY_KEY_INVALID")


@pytest.mark.parametrize(
    "changes",
    [
        {"description": ""},
        {"description": " \n\t "},
        {"description": "\u200b\u200d"},
        {"description": None},
        {"description": "x" * 20_001},
        {"project_type": "x" * 51},
        {"project_type": True},
        {"grievance_id": "x" * 51},
        {"grievance_id": "../../etc/passwd"},
        {"grievance_id": "GRV1\r\nX: 1"},
        {"grievance_id": 1},
        {"contact": {"name": "n" * 101}},
        {"contact": {"phone_number": "98ABCDEFGH"}},
        {"contact": {"phone_number": 9812345678}},
        {"contact": []},
        {"is_admin": True},
        {"status": "closed"},
        {"place": {"ward": 2**31}},
        {"file_ids": ["x"] * 11},
    ],
    ids=lambda changes: str(changes)[:40],
)
async def test_bad_input_is_refused_and_leaves_nothing(
    stage: Stage, changes: dict[str, Any]
) -> None:
    answer = await stage.client(Role.GUEST).post(
        "/api/v1/grievances", json={"description": WATER} | changes
    )

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] in {"VALIDATION_ERROR", "INVALID_PHONE_NUMBER"}
    assert "98ABCDEFGH" not in answer.text
    assert await rows(stage, Grievance) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"project_type": "call 984-1234567"},
        {"place": {"municipality": "sita@example.org"}},
        {"organisation": "१२-०१-७५/०१२३"},
    ],
    ids=str,
)
async def test_words_that_lists_are_filtered_by_hold_nobodys_number(
    stage: Stage, changes: dict[str, Any]
) -> None:
    """Issue 4: lists show them, and they stay when a complainant is forgotten."""
    body = {"description": WATER} | changes
    answer = await stage.client(Role.INTAKE_OFFICER).post("/api/v1/grievances", json=body)

    [problem] = answer.json()["error"]["details"]["fields"]
    assert (answer.status_code, problem["problem"][:18]) == (422, "This is for names ")
    assert not any(part in answer.text for part in ("984-1234567", "sita@", "०१२३"))
    assert await rows(stage, Grievance) == 0


async def test_a_reference_of_ones_own_is_sealed_and_finds_the_case(
    stage: Stage, a_grievance: Filing
) -> None:
    """Issue 4, must show 4: it may be a phone number or a name."""
    filed = await a_grievance(grievance_id="Sita-9812345678")
    unnamed = await a_grievance()

    async with stage.uow.read() as tx:
        index = tx.vault.blind("client_reference", "Sita-9812345678")
        wanted = Grievance.client_reference_index == index
        [found] = await tx.session.scalars(select(Grievance).where(wanted))
        other = await tx.session.get_one(Grievance, unnamed["grievance_id"])
    assert found.grievance_id == filed["grievance_id"]
    assert b"9812345678" not in (found.client_reference or b"9812345678")
    assert (other.client_reference, other.client_reference_index) == (None, None)


async def test_five_thousand_devanagari_letters_are_fine(a_grievance: Filing) -> None:
    assert (await a_grievance("क" * 5000))["status"] == "pending"


async def test_nobody_files_without_a_token(stage: Stage) -> None:
    answer = await stage.client().post("/api/v1/grievances", json={"description": WATER})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")


async def test_bytes_go_to_files_before_the_case_exists(stage: Stage) -> None:
    stage.peers.answers["POST files /internal/files"] = {"file_id": "f-1"}
    file = {"file_id": "f-1", "file_type": "image", "file_data": "AAAA"}

    answer = await stage.client(Role.API_CLIENT).post(
        "/api/grievances", json=SEED | {"files": [file]}
    )

    assert answer.status_code == 201
    [fact] = await stage.said(GrievanceSubmitted)
    assert fact.file_ids == ["f-1"]


async def test_a_filing_with_bytes_waits_for_files_and_keeps_nothing(stage: Stage) -> None:
    """Design 3: files away → 503, nothing kept."""
    file = {"file_id": "f-1", "file_type": "image", "file_data": "AAAA"}

    answer = await stage.client(Role.GUEST).post("/api/grievances", json=SEED | {"files": [file]})

    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert await rows(stage, Grievance) == 0


async def test_what_files_refuses_is_said_in_its_words(stage: Stage) -> None:
    refusal = {
        "status": "error",
        "error": {"code": "FILE_TOO_LARGE", "message": "At most 5 MiB.", "details": {"limit": 5}},
    }
    stage.peers.answers["POST files /internal/files"] = httpx2.Response(413, json=refusal)
    file = {"file_id": "f-1", "file_type": "image", "file_data": "AAAA"}

    answer = await stage.client(Role.GUEST).post("/api/grievances", json=SEED | {"files": [file]})

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "FILE_TOO_LARGE")
    assert await rows(stage, Grievance) == 0


async def test_chat_files_for_the_person_it_talks_with(stage: Stage) -> None:
    body = {"description": WATER, "filed_by": "guest-7", "conversation_id": "c-1"}

    answer = await stage.peer("chat").post("/internal/grievances", json=body)
    seen = await stage.client(Role.GUEST, "guest-7").get(
        f"/api/v1/grievances/{answer.json()['data']['grievance_id']}"
    )

    assert seen.json()["data"]["channel"] == "chat"
    assert (
        await stage.client(Role.GUEST).post("/internal/grievances", json=body)
    ).status_code == 403


async def test_a_seah_complaint_travels_apart_from_the_first_row(
    stage: Stage, a_grievance: Filing
) -> None:
    """Issue B3: the rules run before the commit, on every channel."""
    await a_grievance(HARASSED)

    [envelope] = await stage.envelopes(GrievanceSubmitted)
    assert envelope.restricted


async def test_no_word_of_a_citizen_is_on_disk_or_in_a_log(
    stage: Stage, a_grievance: Filing, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guarantee 5: tables, WAL, outbox, replies."""
    text, name, phone = "canaryword in ward 9", "Canaria Birdname", "9800123123"
    contact = {"name": name, "phone_number": phone}
    answer = await stage.client(Role.GUEST).post(
        "/api/v1/grievances",
        json={"description": text, "contact": contact, "place": {"text": "canaryplace"}},
        headers={"Idempotency-Key": "canary"},
    )

    disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    out = capsys.readouterr()
    for secret in (
        "canaryword",
        "Canaria",
        phone,
        "canaryplace",
        answer.json()["data"]["access_code"],
    ):
        assert secret.encode() not in disk
        assert secret not in out.out + out.err


async def test_only_what_can_be_a_files_id_is_kept_as_one(stage: Stage) -> None:
    """design.md 5.5: ids lie in the open, so nobody writes a phone number there."""
    body = {"description": "The tap is dry.", "file_ids": ["9807654321"]}

    refused = await stage.client(Role.GUEST).post("/api/v1/grievances", json=body)

    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "FILE_UNKNOWN")
    assert await stage.said(GrievanceSubmitted) == []
