"""Rotating the keyring of 100 000 people while the system serves: rows a second, failures 0.

`python -m bench.keyring [--people N]`: one process, SQLite; the rotation runs in a process of its
own, as an operator's would, beside clients that read people and file cases without a pause.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import httpx2
from sqlalchemy import insert

from libs.common.clock import utc_now
from libs.common.crypto.keyring import KEY_BYTES, Keyring
from libs.common.crypto.rotating import SETTLE
from libs.common.crypto.sealing import SubjectKey
from libs.common.db.engine import Database
from libs.common.logging import start_logging
from libs.common.principal import Role
from libs.common.tokens import Signer
from scripts.torture.systems import Embedded
from services.users.models import GROUND, User

PEOPLE = 100_000
FIRST = 1_000_000
BATCH = 5_000
READERS = 4
GRACE_SECONDS = 3
STILL_SECONDS = 3.0
FILING = {"description": "The tap has been dry for nine days.", "project_type": "water"}


async def main(people: int) -> None:
    """Fill, rotate under load, and print."""
    with tempfile.TemporaryDirectory(prefix="redress-bench-") as name, ExitStack() as stack:
        system = Embedded(Path(name))
        stack.callback(system.end)
        await system.start()
        await _fill(system.data, people)
        load = Load(system, people)
        print(f"people                     {people}")
        print(f"requests a second, before  {await load.during(asyncio.sleep(STILL_SECONDS)):.0f}")
        began = time.monotonic()
        rate = await load.during(_rotate(system.data, "--grace", str(GRACE_SECONDS)))
        seconds = time.monotonic() - began - GRACE_SECONDS
        print(f"rows wrapped anew          {people / seconds:.0f} a second ({seconds:.1f} s)")
        print(f"requests a second, during  {rate:.0f}")
        await load.during(asyncio.sleep(SETTLE.total_seconds()))
        await load.during(_rotate(system.data, "--retire"))
        await load.during(asyncio.sleep(STILL_SECONDS))
        print(f"keys left                  {sorted(Keyring.load(_ring(system.data)).keys)}")
        print(f"answers                    {dict(sorted(load.statuses.items()))}")
        print(f"failed requests            {load.failed}")


class Load:
    """Clients that read people and file cases, one request after the other."""

    def __init__(self, system: Embedded, people: int) -> None:
        signer = Signer.at("users", system.data / "keys")
        token = signer.sign("user:1", Role.SUPER_ADMIN)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._base, self._people = system.base, people
        self.statuses: Counter[str] = Counter()

    @property
    def failed(self) -> int:
        """Everything that was not answered as it should be."""
        return sum(count for status, count in self.statuses.items() if status not in {"200", "201"})

    async def during(self, work: Awaitable[object]) -> float:
        """Ask as long as `work` takes; answer how often a second."""
        before, began = sum(self.statuses.values()), time.monotonic()
        async with httpx2.AsyncClient(base_url=self._base, trust_env=False, timeout=20) as http:
            asking = [asyncio.create_task(self._read(http, number)) for number in range(READERS)]
            asking.append(asyncio.create_task(self._file(http)))
            await work
            for each in asking:
                each.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        return (sum(self.statuses.values()) - before) / (time.monotonic() - began)

    async def _read(self, http: httpx2.AsyncClient, number: int) -> None:
        while True:
            number = (number * 7919 + 1) % self._people
            path = f"/api/v1/users/{FIRST + number}"
            await self._count(lambda path=path: http.get(path, headers=self._headers))  # type: ignore[misc]

    async def _file(self, http: httpx2.AsyncClient) -> None:
        while True:
            await self._count(
                lambda: http.post("/api/v1/grievances", json=FILING, headers=self._headers)
            )

    async def _count(self, ask: Callable[[], Awaitable[httpx2.Response]]) -> None:
        try:
            status = str((await ask()).status_code)
        except httpx2.HTTPError as error:
            status = type(error).__name__
        self.statuses[status] += 1


async def _fill(data: Path, people: int) -> None:
    """Write people as the service would, many at a time."""
    keys = Keyring.load(_ring(data)).of("users")
    database = Database(f"sqlite+aiosqlite:///{data / 'users.db'}", schema="users")
    now = utc_now()
    for start in range(FIRST, FIRST + people, BATCH):
        rows, wrapped = [], []
        for user_id in range(start, min(start + BATCH, FIRST + people)):
            subject, key = f"user:{user_id}", os.urandom(KEY_BYTES)
            sealed = SubjectKey(key).seal("users.name", str(user_id), "Sita Sharma")
            rows.append(
                {
                    "user_id": user_id, "role": Role.CITIZEN.value, "scope": {}, "name": sealed,
                    "is_email_proven": False, "version": 1, "created_at": now, "updated_at": now,
                }
            )  # fmt: skip
            sealed_key = keys.wrap(key, aad=f"data_keys.wrapped.{subject}")
            wrapped.append(
                {"subject": subject, "user_id": user_id, "wrapped": sealed_key, "created_at": now}
            )
        async with database.write() as session:
            await session.execute(insert(User.__table__), rows)  # type: ignore[arg-type]
            await session.execute(insert(GROUND.data_keys), wrapped)
    await database.close()


async def _rotate(data: Path, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scripts.rotate_data_keys", *arguments,
        env={**os.environ, "REDRESS_DATA_DIR": str(data)},
    )  # fmt: skip
    if await process.wait():
        raise SystemExit("the rotation failed")


def _ring(data: Path) -> Path:
    return data / "keys" / "keyring.json"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.keyring", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    start_logging(level="error", form="console")
    asyncio.run(main(parser.parse_args().people))
