"""Issue 4, must show 5: somebody is erased, in every store, queue and cache at once."""

import asyncio
import io
import json
import re
import sqlite3
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2

from libs.common.settings import SERVICES
from tests.system.conftest import ROOT, Start, System, settled
from tests.system.test_canary import metrics_of
from tests.system.test_journey import PNG, Citizen, act

NAME = "Erasmina Featherstone"
PHONE = "9807654321"
EMAIL = "erasmina.featherstone@example.org"
TEXT = "quetzalbird water pipe broken in our ward, nobody repairs it"
PLACE = "toucanville near the old mill"
FILE = "macawphoto.png"
SECRETS = (
    "Erasmina", "erasmina", "Featherstone", "featherstone", PHONE, "quetzalbird", "toucanville",
    "macawphoto",
)  # fmt: skip
KEPT_PLAIN = frozenset({"outbox"})
"""Where codes land that nobody was there to send: a tool of development, and masked."""


async def signed_in(system: System, guest: httpx2.AsyncClient) -> tuple[httpx2.AsyncClient, int]:
    """The guest proves their phone; what they began is theirs."""
    sent = await guest.post(
        "/api/v1/auth/otp/request", json={"phone_number": PHONE, "channel": "sms"}
    )
    challenge = sent.json()["data"]["challenge_id"]

    async def code() -> str | None:
        letters = [path.read_text() for path in (system.folder / "outbox").glob("*.txt")]
        found = [re.findall(r"\b\d{6}\b", letter) for letter in letters]
        return found[0][0] if found and found[0] else None

    token = guest.headers["Authorization"].removeprefix("Bearer ")
    body = {"challenge_id": challenge, "code": await settled(code), "guest_token": token}
    proved = await guest.post("/api/v1/auth/otp/verify", json=body)
    assert proved.status_code == 200, proved.text
    data = proved.json()["data"]
    return system.client(data["access_token"]), int(data["user_id"])


async def lived(system: System) -> tuple[httpx2.AsyncClient, int, list[str]]:
    """Two cases, one of a form and one with photo and contact; and a conversation."""
    guest = await system.guest()
    upload = await guest.post(
        "/api/v1/files", files={"file": (FILE, PNG, "image/png")}, data={"file_type": "image"}
    )
    first = {
        "description": TEXT,
        "place": {"municipality": "Dharan", "text": PLACE},
        "contact": {"name": NAME, "phone_number": PHONE},
        "file_ids": [upload.json()["data"]["file_id"]],
        "grievance_id": "erasmina-42",
    }
    second = {"description": f"{TEXT}, again", "place": {"municipality": "Dharan"}}
    keyed = {"Idempotency-Key": "erasable"}
    filed = [await guest.post("/api/v1/grievances", json=first, headers=keyed)]
    filed.append(await guest.post("/api/v1/grievances", json=second))
    cases = [each.json()["data"]["grievance_id"] for each in filed]
    citizen = Citizen(guest)
    await citizen.say(TEXT, client_message_id="erasmina-1")
    await citizen.say(PLACE)
    person, user_id = await signed_in(system, guest)

    async def theirs() -> bool:
        shown = (await person.get("/api/v1/grievances")).json()["data"]["items"]
        talks = (await person.get("/api/v1/chat/conversations")).json()["data"]["items"]
        is_read = all(row["classification_status"] != "pending" for row in shown)
        case = (await person.get(f"/api/v1/grievances/{cases[0]}")).json()
        ready = case["status"] == "success" and case["data"]["files"][0]["status"] == "ready"
        return len(shown) == 2 and len(talks) == 1 and is_read and bool(ready)

    await settled(theirs)
    return person, user_id, cases


def places(tmp_path: Path) -> dict[str, bytes]:
    """Everything that lies on the disk: databases, logs beside them, queues, files, the log."""
    return {
        str(file.relative_to(tmp_path)): file.read_bytes()
        for file in tmp_path.rglob("*")
        if file.is_file() and not KEPT_PLAIN & set(file.parts)
    }


def hits(found: dict[str, bytes]) -> list[tuple[str, str]]:
    return [
        (place, secret)
        for place, content in found.items()
        for secret in SECRETS
        if secret.encode() in content
    ]


def keys_of(folder: Path) -> list[tuple[str, bytes, int | None]]:
    """The row of every data key there is."""
    found: list[tuple[str, bytes, int | None]] = []
    for service in SERVICES:
        with closing(sqlite3.connect(folder / f"{service}.db")) as database:
            found += database.execute("SELECT subject, wrapped, user_id FROM data_keys")
    return found


def uploads(folder: Path) -> list[Path]:
    """The files that lie there."""
    return [path for path in (folder / "uploads").rglob("*") if path.is_file()]


async def test_of_somebody_erased_nothing_can_be_read_and_the_case_goes_on(
    start: Start, tmp_path: Path
) -> None:
    system = await start()
    officer = await system.staff("intake_officer", "9841000001")
    person, user_id, cases = await lived(system)
    exported = await export_of(person)
    assert any(TEXT in text for text in exported.values())
    wrapped = {key for _, key, owner in keys_of(system.folder) if owner == user_id and key}
    assert len(wrapped) >= 3
    assert uploads(system.folder)

    erased = await person.delete("/api/v1/users/me")
    assert erased.status_code == 202, erased.text

    async def gone() -> bool:
        shown = [(await officer.get(f"/api/v1/grievances/{case}")).json() for case in cases]
        living = [subject for subject, key, _ in keys_of(system.folder) if key]
        talks = [subject for subject in living if subject.startswith("conversation:")]
        is_out = (await person.get("/api/v1/users/me")).status_code == 401
        is_over = is_out and not talks and not uploads(system.folder)
        return is_over and all(each["data"]["erased"] for each in shown)

    await settled(gone)
    await works_on(officer, f"/api/v1/grievances/{cases[0]}")
    metrics = await metrics_of(tmp_path)
    while_serving = places(tmp_path) | {"metrics": metrics.encode()}
    assert any(name.endswith("-wal") for name in while_serving)
    assert await system.stop() == 0

    found = places(tmp_path)
    assert hits(found) == []
    assert hits(while_serving) == []
    assert [name for name, content in found.items() for key in wrapped if key in content] == []
    living = {subject for subject, key, _ in keys_of(system.folder) if key}
    assert not {f"user:{user_id}", *(f"case:{case}" for case in cases)} & living
    assert await verified(system.folder) == 0


async def export_of(person: httpx2.AsyncClient) -> dict[str, str]:
    """Everything that is held on somebody, as they take it away."""
    export = (await person.post("/api/v1/users/me/exports")).json()["data"]

    async def ready() -> Any:
        url = f"/api/v1/users/me/exports/{export['export_id']}"
        data = (await person.get(url)).json()["data"]
        return data if data["state"] == "ready" else None

    url = (await settled(ready))["download_url"]
    async with httpx2.AsyncClient(base_url=person.base_url, trust_env=False) as anybody:
        taken = await anybody.get(url)
    assert taken.status_code == 200, taken.text
    with zipfile.ZipFile(io.BytesIO(taken.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        texts = {name: archive.read(name).decode() for name in names if name.endswith(".json")}
        photos = [archive.read(name) for name in names if name.endswith(".png")]
    assert photos == [PNG]
    held = {name: json.loads(text) for name, text in texts.items()}
    assert held["users.json"]["profile"]["phone_number"] == f"+977{PHONE}"
    assert len(held["grievance.json"]["cases"]) == 2
    assert held["files.json"]["files"][0]["file_name"] == FILE
    said = held["chat.json"]["conversations"][0]["messages"]
    assert TEXT in [message["text"] for message in said]
    return texts


async def works_on(officer: httpx2.AsyncClient, path: str) -> None:
    """An officer acknowledges, notes and classifies the case of nobody."""
    shown = await officer.get(path)
    case = shown.json()["data"]
    assert (case["description"], case["place"], case["summary"]) == (None, None, None)
    assert (case["municipality"], case["contact_status"]) == ("Dharan", "erased")
    correction = {"categories": ["ACCESS_WATER"], "summary": "A pipe is to be repaired."}
    etag = {"If-Match": shown.headers["ETag"]}
    corrected = await officer.put(path, json=correction, headers=etag)
    assert corrected.json()["data"]["summary"] == correction["summary"]
    await act(officer, path, "acknowledge", notes="The office was asked.")
    noted = await officer.post(f"{path}/notes", json={"text": "Nobody to call."})
    assert noted.status_code == 201, noted.text
    notes = (await officer.get(f"{path}/notes")).json()["data"]
    assert [note["text"] for note in notes] == ["Nobody to call."]
    history = (await officer.get(f"{path}/history")).json()["data"]
    assert history[-1]["notes"] == "The office was asked."


async def verified(folder: Path) -> int:
    """The exit code of `verify-audit`, on what is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.users", "verify-audit",
        cwd=ROOT,
        env={"REDRESS_DATA_DIR": str(folder), "PATH": ""},
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return await process.wait()
