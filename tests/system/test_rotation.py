"""Issue 4: `make rotate-data-keys`, beside a system that serves and after it."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx2
import pytest

from libs.common.clock import utc_now
from libs.common.crypto.keyring import Keyring
from libs.common.crypto.rotating import alone, begin
from libs.common.settings import SERVICES, SharedSettings
from libs.common.testing.stage import until
from scripts.rotate_data_keys import Hanging, end, rotate
from tests.system.conftest import ROOT, Start, System
from tests.system.test_starting import said_by

FILING = {"description": "No water for three days.", "place": {"municipality": "Dharan"}}


async def operated(
    folder: Path, *arguments: str, script: str = "rotate_data_keys", ended_at: str | None = None
) -> tuple[int, str]:
    """What the script comes to, in a process of its own; Ctrl-C ends it once it says `ended_at`."""
    early = b""
    async with operator(folder, script, *arguments) as process:
        if ended_at is not None:
            assert process.stderr is not None
            early = await process.stderr.readuntil(ended_at.encode())
            process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    return process.returncode or 0, (early + said).decode()


@asynccontextmanager
async def operator(folder: Path, script: str, *arguments: str) -> AsyncIterator[Process]:
    """A script that runs, and heeds Ctrl-C: what is begun in the background may not."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"scripts.{script}", *arguments,
        cwd=ROOT,
        env={"REDRESS_DATA_DIR": str(folder), "PATH": ""},
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def file_on(guest: httpx2.AsyncClient, statuses: list[int], is_over: asyncio.Event) -> None:
    """File and read, one after the other, until told that it is over."""
    while not is_over.is_set():
        filed = await guest.post("/api/v1/grievances", json=FILING)
        statuses.append(filed.status_code)
        case = filed.json()["data"]["grievance_id"]
        statuses.append((await guest.get(f"/api/v1/grievances/{case}")).status_code)


async def test_nothing_fails_beside_a_rotation(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    system: System = await start()
    guest, is_over, statuses = await system.guest(), asyncio.Event(), list[int]()
    filing = asyncio.create_task(file_on(guest, statuses, is_over))

    rows = await rotate(SharedSettings(data_dir=system.folder), list(SERVICES), grace=1.5)
    early, refused = await operated(system.folder, "--retire")
    again, _ = await operated(system.folder)
    is_over.set()
    await filing

    assert (early, again) == (1, 0), refused
    assert rows > 0
    assert "rows/s" in capsys.readouterr().err
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


@pytest.mark.parametrize("foreign", ["keys", "index_key"])
async def test_a_keyring_of_another_installation_changes_nothing(
    start: Start, tmp_path: Path, foreign: str
) -> None:
    """Nor does one of which the index key alone is another's: what it adds lies nowhere else."""
    system: System = await start()
    assert await system.stop() == 0
    ring = system.folder / "keys" / "keyring.json"
    Keyring.create(tmp_path / "other.json")
    other = json.loads((tmp_path / "other.json").read_text())
    ring.write_text(json.dumps(json.loads(ring.read_text()) | {foreign: other[foreign]}))
    before = ring.read_bytes()

    for arguments in ([], ["--retire"]):
        code, said = await operated(system.folder, *arguments)
        assert (code, "not the one of this data" in said) == (1, True), said
    linked, told = await said_by("services", "rebuild-links", REDRESS_DATA_DIR=str(system.folder))
    with pytest.raises(AssertionError, match="not the one the data"):
        await start()

    assert (linked, "not the one the data" in told) == (1, True), told
    assert ring.read_bytes() == before


@pytest.mark.parametrize("seconds", ["-5", "0", "9.9", "nan", "inf", "1e9"])
async def test_everybody_has_the_time_to_read_a_new_key(tmp_path: Path, seconds: str) -> None:
    """A key somebody writes with before the others have read it costs them an error."""
    wrapping = await operated(tmp_path, f"--grace={seconds}")
    signing = await operated(tmp_path, f"--after={seconds}", script="rotate_keys")

    assert [code for code, _ in (wrapping, signing)] == [2, 2]
    assert "--grace is 10 to 3600 seconds" in wrapping[1]
    assert "--after is 35 to 3600" in signing[1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("script", ["rotate_data_keys", "rotate_keys"])
async def test_where_there_is_nothing_nothing_is_rotated(tmp_path: Path, script: str) -> None:
    folder = tmp_path / "mistyped"
    code, said = await operated(folder, script=script)

    assert code == 1
    assert len(said.splitlines()) == 1
    assert not folder.exists()


async def test_data_keys_without_a_database_are_not_rotated(tmp_path: Path) -> None:
    Keyring.create(tmp_path / "keys" / "keyring.json")
    code, said = await operated(tmp_path)

    assert code == 1
    assert "There is no database at" in said
    assert list(tmp_path.glob("*.db*")) == []


async def test_ctrl_c_in_the_wait_for_a_new_key_is_no_error(start: Start) -> None:
    system: System = await start()
    assert await system.stop() == 0
    code, said = await operated(system.folder, ended_at="it is written with.\n")
    begun = Keyring.load(system.folder / "keys" / "keyring.json")

    assert code == 130
    assert said.splitlines()[-1] == (
        "rotate-data-keys: stopped; called again, it goes on from here."
    )
    assert "Traceback" not in said
    assert begun.next == "k2"


async def test_ctrl_c_in_the_wait_for_another_rotation_is_no_error(tmp_path: Path) -> None:
    with alone(tmp_path / "keys"):
        async with operator(tmp_path, "rotate_keys") as process:

            def is_waiting() -> bool:
                return str(process.pid) in Path("/proc/locks").read_text().split()

            await until(is_waiting, seconds=30)
            process.send_signal(signal.SIGINT)
            _, said = await process.communicate()

    assert process.returncode == 130
    assert said.decode().strip() == "rotate-keys: stopped; called again in a minute, it goes on."
