"""Proof 5: what people say is nowhere in plaintext, in the whole system at once."""

import re
from pathlib import Path

import httpx2

from tests.system.conftest import Start, settled
from tests.system.test_journey import PNG, Citizen, act, suggested

NAME = "Canarina Featherstone"
PHONE = "9807654321"
TEXT = "quetzalbird water pipe broken in our ward, nobody repairs it"
PLACE = "toucanville near the old mill"
FILE = "macawphoto.png"
SECRETS = ("Canarina", "Featherstone", PHONE, "quetzalbird", "toucanville", "macawphoto")


PROPOSAL = {
    "resolution_category": "accepted_repair",
    "text": TEXT,
    "public_text_en": TEXT,
    "public_text_ne": TEXT,
}


async def test_no_word_of_a_citizen_lies_about(start: Start, tmp_path: Path) -> None:
    system = await start()
    citizen = Citizen(await system.guest())
    upload = await citizen.client.post(
        "/api/v1/files", files={"file": (FILE, PNG, "image/png")}, data={"file_type": "image"}
    )
    body = {
        "description": TEXT,
        "place": {"text": PLACE},
        "contact": {"name": NAME, "phone_number": PHONE},
        "file_ids": [upload.json()["data"]["file_id"]],
    }
    filed = await citizen.client.post(
        "/api/v1/grievances", json=body, headers={"Idempotency-Key": "canary"}
    )
    path = f"/api/v1/grievances/{filed.json()['data']['grievance_id']}"
    await citizen.say(TEXT)
    await citizen.say(PLACE)
    await citizen.say(f"{NAME} {PHONE}")
    refused = await citizen.client.post("/api/v1/grievances", json=body | {"oops": TEXT})

    async def taken_over() -> bool:
        case = (await citizen.client.get(path)).json()["data"]
        is_ready = [file["status"] for file in case["files"]] == ["ready"]
        return bool(is_ready and case["classification_status"] == "suggested")

    await settled(taken_over)
    officer = await system.staff("site_safeguards_focal_person", "9811111111")
    version = {"If-Match": (await suggested(officer, path)).headers["ETag"]}
    correction = {"categories": ["ACCESS_WATER"], "summary": TEXT}
    corrected = await officer.put(path, json=correction, headers=version)
    assert corrected.status_code == 200, corrected.text
    await act(officer, path, "acknowledge", notes=TEXT)
    await act(officer, path, "evaluate", notes=f"{NAME} {PHONE}")
    await act(officer, path, "propose", proposal=PROPOSAL)
    metrics = await metrics_of(tmp_path)
    assert "redress_requests" in metrics
    assert refused.status_code == 422
    places = {
        str(file.relative_to(tmp_path)): file.read_bytes()
        for file in tmp_path.rglob("*")
        if file.is_file() and "uploads" not in file.parts
    }
    places |= {"metrics": metrics.encode(), "refusal": refused.content}
    hits = [
        (place, secret)
        for place, content in places.items()
        for secret in SECRETS
        if secret.encode() in content
    ]
    assert any(name.endswith("-wal") for name in places)
    assert not hits


async def metrics_of(tmp_path: Path) -> str:
    """What Prometheus would read; the port stands in what the system said at its start."""
    [url] = re.findall(r"http://127\.0\.0\.1:\d+/metrics", (tmp_path / "log-0").read_text())
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.get(url)).text
