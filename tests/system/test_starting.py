"""What refuses to start says why, and what to do."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from libs.common.crypto.keyring import Keyring
from tests.system.conftest import ROOT, Start


async def said_by(*arguments: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environment},
    )  # fmt: skip
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_a_service_alone_refuses_the_embedded_bus(tmp_path: Path) -> None:
    """Issue A3: with a clear error."""
    code, said = await said_by("services.grievance", REDRESS_DATA_DIR=str(tmp_path))

    assert code == 1
    assert "REDRESS_BUS_URL" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("fault", ["lost", "wrong", "wrong index key"])
async def test_a_lost_or_wrong_keyring_is_refused(start: Start, tmp_path: Path, fault: str) -> None:
    """Issue A5: nothing is written with keys that do not fit."""
    folder = tmp_path / "var"
    system = await start(folder)
    assert await system.stop() == 0
    ring = folder / "keys" / "keyring.json"
    ring.rename(folder / "keys" / "elsewhere.json")
    if fault == "wrong":
        Keyring.create(ring)
    if fault == "wrong index key":
        replace(Keyring.load(folder / "keys" / "elsewhere.json"), index_key=bytes(32)).save(ring)
    before = [file.read_bytes() for file in sorted(folder.glob("*.db"))]

    code, said = await said_by("services", "--port", "0", REDRESS_DATA_DIR=str(folder))

    assert code == 1
    assert "keyring" in said
    assert "Traceback" not in said
    assert [file.read_bytes() for file in sorted(folder.glob("*.db"))] == before


async def test_what_it_keeps_is_for_its_owner_alone(start: Start, tmp_path: Path) -> None:
    """Also what an earlier start left open to everybody, and what is made later."""
    folder = tmp_path / "var"
    system = await start(folder)
    assert await system.stop() == 0
    (folder / "users.db").chmod(0o644)
    system = await start(folder)
    guest = await system.guest()
    filed = await guest.post("/api/v1/grievances", json={"description": "No water."})
    open_to = [
        str(path.relative_to(folder))
        for path in (folder, *folder.rglob("*"))
        if path.stat().st_mode & 0o077
    ]

    assert filed.status_code == 201
    assert (folder / "users.db-wal").exists()
    assert open_to == []


@pytest.mark.parametrize("fault", ["nonsense", "no database"])
async def test_a_database_that_is_none_is_named(tmp_path: Path, fault: str) -> None:
    given = {"USERS_DATABASE_URL": fault} if fault == "nonsense" else {}
    (tmp_path / "keys").mkdir()
    Keyring.create(tmp_path / "keys" / "keyring.json")
    (tmp_path / "users.db").write_text("longer than a header of one " * 50)

    code, said = await said_by("services", "--port", "0", REDRESS_DATA_DIR=str(tmp_path), **given)

    assert code == 1
    assert "database of users" in said or "users.db: file is not a database" in said
    assert "Traceback" not in said


async def test_a_taken_port_is_named(start: Start, tmp_path: Path) -> None:
    system = await start()
    port = system.url.rsplit(":", 1)[1]

    code, said = await said_by("services", "--port", port, REDRESS_DATA_DIR=str(tmp_path / "b"))

    assert code == 1
    assert f"Port {port} is taken" in said


async def test_two_processes_do_not_share_the_embedded_bus(start: Start, tmp_path: Path) -> None:
    system = await start(tmp_path / "var")

    code, said = await said_by("services", "--port", "0", REDRESS_DATA_DIR=str(system.folder))

    assert code == 1
    assert "one process" in said
