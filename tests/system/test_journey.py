"""One complaint through all six services, as people live it."""

from pathlib import Path
from typing import Any

import httpx2

from tests.system.conftest import Start, System, settled

TEXT = "पाँच दिनदेखि हाम्रो वडामा खानेपानी आएको छैन।"
PROPOSAL = {
    "resolution_category": "accepted_repair",
    "text": "The main pipe was replaced.",
    "public_text_en": "The water pipe was repaired.",
    "public_text_ne": "खानेपानीको पाइप मर्मत भयो।",
}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)


class Citizen:
    """Somebody in a conversation."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        self.conversation: str | None = None
        self.last: dict[str, Any] = {}

    async def say(self, text: str, **more: Any) -> str | None:
        """Say it; answer the slot the form waits for."""
        body = {"text": text, **more}
        if self.conversation:
            body["conversation_id"] = self.conversation
        answer = await self.client.post("/api/v1/chat/messages", json=body)
        assert answer.status_code in {200, 201}, answer.text
        self.last = answer.json()["data"]
        self.conversation = self.last["conversation_id"]
        slot: str | None = self.last["context"]["slot"]
        return slot

    def button(self, name: str) -> str:
        """The payload of a button that is shown."""
        shown = [b["payload"] for reply in self.last["replies"] for b in reply["buttons"]]
        [payload] = [payload for payload in shown if payload.startswith(name)]
        return str(payload)

    async def heard(self) -> str:
        """Everything said in the conversation."""
        answer = await self.client.get(f"/api/v1/chat/conversations/{self.conversation}/messages")
        return "\n".join(item["text"] for item in answer.json()["data"]["items"])


async def filed_by_chat(citizen: Citizen) -> str:
    """Lead the form to its end; answer the reference."""
    upload = await citizen.client.post(
        "/api/v1/files",
        files={"file": ("फोटो.png", PNG, "image/png")},
        data={"file_type": "image"},
    )
    assert upload.status_code == 201, upload.text
    assert await citizen.say(TEXT, locale="ne") == "place"
    assert await citizen.say("धरान वडा नं ५") == "contact"
    await citizen.say("सीता शर्मा ९८१२३४५६७८")
    slot = await citizen.say("यो फोटो", attachments=[upload.json()["data"]["file_id"]])
    assert slot == "confirm"
    await citizen.say(citizen.button("/confirm"))

    async def reference() -> str | None:
        cases = (await citizen.client.get("/api/v1/grievances")).json()["data"]["items"]
        return cases[0]["grievance_id"] if cases else None

    return str(await settled(reference))


async def act(officer: httpx2.AsyncClient, path: str, action: str, **more: Any) -> None:
    etag = (await officer.get(path)).headers["ETag"]
    answer = await officer.post(
        f"{path}/actions", json={"action": action, **more}, headers={"If-Match": etag}
    )
    assert answer.status_code == 200, answer.text


async def suggested(officer: httpx2.AsyncClient, path: str) -> httpx2.Response:
    async def look() -> httpx2.Response | None:
        answer = await officer.get(path)
        case = answer.json()["data"]
        is_ready = all(file["status"] == "ready" for file in case["files"])
        return answer if case["classification_status"] == "suggested" and is_ready else None

    found: httpx2.Response = await settled(look)
    return found


async def test_a_complaint_walks_through_all_six_services(start: Start) -> None:
    """Issue B1-B7: chat, photo, classification, officer, citizen."""
    system = await start()
    citizen = Citizen(await system.guest())
    officer = await system.staff("site_safeguards_focal_person", "9811111111")
    path = f"/api/v1/grievances/{await filed_by_chat(citizen)}"

    found = await suggested(officer, path)
    case = found.json()["data"]
    assert case["categories"][0] in {"ACCESS_WATER", "WATER_SOURCE"}
    assert case["description"] == TEXT
    assert case["contact"]["phone_number"] == "+97798****5678"
    await photo_is_served(system, citizen.client, officer, case["files"][0]["file_id"])

    confirmed = await officer.put(
        path, json={"categories": ["ACCESS_WATER"]}, headers={"If-Match": found.headers["ETag"]}
    )
    assert confirmed.status_code == 200
    for action in ("acknowledge", "evaluate", "start"):
        await act(officer, path, action)
    await act(officer, path, "propose", proposal=PROPOSAL)
    accepted = await citizen.client.post(f"{path}/actions", json={"action": "accept"})
    assert accepted.json()["data"]["status"] == "resolved"
    admin = await system.admin()
    await act(admin, path, "close")

    async def told() -> bool:
        return "बन्द" in await citizen.heard()

    await settled(told)
    assert await system.stop() == 0


async def photo_is_served(
    system: System, owner: httpx2.AsyncClient, officer: httpx2.AsyncClient, file_id: str
) -> None:
    path = f"/api/v1/files/{file_id}/content"
    stranger = await system.guest()

    assert (await owner.get(path)).content.startswith(b"\xff\xd8")
    assert (await officer.get(path)).status_code == 200
    assert (await stranger.get(path)).status_code == 404


async def test_what_was_answered_survives_a_power_cut(start: Start, tmp_path: Path) -> None:
    """Guarantee 1: kill -9 right after the answer; the next start goes on."""
    system = await start()
    guest = await system.guest()
    body = {"description": "The road has been cut for weeks.", "contact": {"name": "Hari"}}
    key = {"Idempotency-Key": "power-cut"}
    filed = (await guest.post("/api/v1/grievances", json=body, headers=key)).json()["data"]
    await system.kill()

    again = await start()
    guest = again.client(guest.headers["Authorization"].removeprefix("Bearer "))
    repeated = (await guest.post("/api/v1/grievances", json=body, headers=key)).json()["data"]

    assert repeated == filed

    async def read() -> bool:
        path = f"/api/v1/grievances/{filed['grievance_id']}"
        data = (await guest.get(path)).json()["data"]
        return bool(data["classification_status"] == "suggested")

    await settled(read)


async def test_a_seah_complaint_is_seen_by_its_officers_only(start: Start) -> None:
    """Issue B3: on every channel, from the first row."""
    system = await start()
    guest = await system.guest()
    text = "My supervisor forced me to have sex with him at the camp."
    filed = (await guest.post("/api/v1/grievances", json={"description": text})).json()["data"]
    path = f"/api/v1/grievances/{filed['grievance_id']}"
    admin = await system.admin()
    seah = await system.staff("seah_national_officer", "9822222222")

    assert (await admin.get(path)).status_code == 404
    assert (await seah.get(path)).json()["data"]["sensitivity"] == "seah"
    assert (await admin.get("/api/v1/grievances")).json()["data"]["items"] == []
    assert (await admin.get("/api/v1/tasks")).json()["data"]["items"] == []
