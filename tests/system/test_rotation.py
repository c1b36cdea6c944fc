"""Issue 4: `make rotate-data-keys`, beside a system that serves and after it."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from libs.common.clock import utc_now
from libs.common.crypto.keyring import Keyring
from libs.common.crypto.rotating import begin
from libs.common.settings import SERVICES, SharedSettings
from scripts.rotate_data_keys import Hanging, end, rotate
from tests.system.conftest import ROOT, Start, System

FILING = {"description": "No water for three days.", "place": {"municipality": "Dharan"}}


async def operated(folder: Path, *arguments: str) -> tuple[int, str]:
    """What the script comes to, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scripts.rotate_data_keys", *arguments,
        cwd=ROOT,
        env={"REDRESS_DATA_DIR": str(folder), "PATH": ""},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    return process.returncode or 0, said.decode()


async def file_on(guest: httpx2.AsyncClient, statuses: list[int], is_over: asyncio.Event) -> None:
    """File and read, one after the other, until told that it is over."""
    while not is_over.is_set():
        filed = await guest.post("/api/v1/grievances", json=FILING)
        statuses.append(filed.status_code)
        case = filed.json()["data"]["grievance_id"]
        statuses.append((await guest.get(f"/api/v1/grievances/{case}")).status_code)


async def test_nothing_fails_beside_a_rotation(start: Start) -> None:
    system: System = await start()
    guest, is_over, statuses = await system.guest(), asyncio.Event(), list[int]()
    filing = asyncio.create_task(file_on(guest, statuses, is_over))

    code, said = await operated(system.folder, "--grace", "1.5")
    early, refused = await operated(system.folder, "--retire")
    again, _ = await operated(system.folder)
    is_over.set()
    await filing

    assert (code, early, again) == (0, 1, 0), said
    assert "rows/s" in said
    assert "younger" in refused
    assert set(statuses) == {200, 201}
    assert sorted(Keyring.load(system.folder / "keys" / "keyring.json").keys) == ["k1", "k2"]


async def test_older_keys_are_taken_out_once_nothing_hangs_on_them(start: Start) -> None:
    system: System = await start()
    guest = await system.guest()
    token = guest.headers["Authorization"].removeprefix("Bearer ")
    case = (await guest.post("/api/v1/grievances", json=FILING)).json()["data"]["grievance_id"]
    assert await system.stop() == 0
    shared = SharedSettings(data_dir=system.folder)
    begin(shared.keys / "keyring.json", now=utc_now() - timedelta(minutes=1), grace=0)

    with pytest.raises(Hanging, match=r"grievance\.data_keys: \d"):
        await end(shared, SERVICES)
    assert await rotate(shared, SERVICES, grace=0) > 0
    assert await end(shared, SERVICES) == ("k1",)

    system = await start()
    read = await system.client(token).get(f"/api/v1/grievances/{case}")
    assert read.json()["data"]["description"] == FILING["description"]


async def test_a_keyring_of_another_installation_starts_nothing(start: Start) -> None:
    system: System = await start()
    assert await system.stop() == 0
    ring = system.folder / "keys" / "keyring.json"
    ring.unlink()
    Keyring.create(ring)

    code, said = await operated(system.folder, "--grace", "0")
    with pytest.raises(AssertionError, match="not the one the data"):
        await start()

    assert code == 1
    assert "not the one of this data" in said
    assert sorted(Keyring.load(ring).keys) == ["k1"]
