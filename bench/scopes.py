"""The first page of who sees a part, beside that of who sees everything: as ratios, with the plan.

`python -m bench.scopes [--cases N]`: 200 000 cases, 300 of them in one municipality; SQLite, and
PostgreSQL where it is installed. All ask in turns: what else the machine does hits them alike.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr
from sqlalchemy import Executable, Table, insert, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ClauseElement

from libs.common.bus.factory import open_bus
from libs.common.clock import utc_now
from libs.common.crypto.keyring import KEY_BYTES, Keyring, ServiceKeys
from libs.common.crypto.sealing import SubjectKey
from libs.common.db.engine import Database
from libs.common.db.migrations import migrate
from libs.common.logging import start_logging
from libs.common.principal import Principal, Role, Scope
from libs.common.settings import SharedSettings
from libs.common.testing.private import ServerMissing
from libs.common.testing.servers import PrivatePostgres
from libs.common.tokens import Signer
from services.grievance.app import create_app
from services.grievance.models import GROUND, CaseWord, Grievance, lasting_subject
from services.grievance.repository.seeing import Filters, newest_seen
from services.grievance.repository.words import Belonging
from services.grievance.settings import GrievanceSettings

CASES = 200_000
NARROW = 300
BATCH = 5_000
ROUNDS = 100
LIMIT = 50
PATH = "/api/v1/grievances"
PROVINCES = ("Koshi", "Madhesh", "Bagmati", "Gandaki", "Lumbini", "Karnali", "Sudurpashchim")
PROJECTS = ("road", "water", "rail")
DHARAN = "Koshi/Sunsari/Dharan"
OFFICER, ADMIN = Role.SITE_SAFEGUARDS_FOCAL_PERSON, Role.COUNTRY_ADMIN

ASKED: dict[str, tuple[Role, Scope, dict[str, str]]] = {
    "everything": (ADMIN, Scope(), {}),
    "a municipality": (OFFICER, Scope(places=(DHARAN,)), {}),
    "a municipality, one project": (OFFICER, Scope(places=(DHARAN,)), {"project_type": "road"}),
    "a province": (OFFICER, Scope(places=("Koshi",)), {}),
    "a municipality and 9 districts": (
        OFFICER, Scope(places=(DHARAN, *(f"Bagmati/District {n}" for n in range(9)))), {},
    ),
}  # fmt: skip


class Explain(Executable, ClauseElement):
    """How a database goes about a statement."""

    inherit_cache = False

    def __init__(self, statement: ClauseElement) -> None:
        self.statement = statement


@compiles(Explain)
def _explain(element: Explain, compiler: Any, **given: Any) -> str:
    how = "EXPLAIN QUERY PLAN" if compiler.dialect.name == "sqlite" else "EXPLAIN (COSTS OFF)"
    return f"{how} {compiler.process(element.statement, **given)}"


async def main(cases: int) -> None:
    """Fill, ask, print."""
    with tempfile.TemporaryDirectory(prefix="redress-bench-") as name:
        folder = Path(name)
        await _measure("SQLite", f"sqlite+aiosqlite:///{folder / 'grievance.db'}", folder, cases)
        try:
            with PrivatePostgres() as postgres:
                await _measure("PostgreSQL", postgres.url, folder, cases)
        except ServerMissing as missing:
            print(f"PostgreSQL not measured: {missing}")


async def _measure(title: str, url: str, folder: Path, cases: int) -> None:
    shared = SharedSettings(data_dir=folder, keys_dir=folder / title)
    keys = Keyring.create(shared.keys / "keyring.json").of("grievance")
    database = Database(url, schema="grievance")
    await migrate(database, "grievance")
    settings = GrievanceSettings(shared=shared, database_url=SecretStr(url))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        bus = open_bus(f"embedded://{folder / f'{title}.db'}", name="grievance")
        app = create_app(settings, bus=bus)
        await stack.enter_async_context(app.router.lifespan_context(app))
        await _fill(database, keys, cases)
        print(f"\n{title}, {cases} cases, {NARROW} of them in {DHARAN}: page of {LIMIT}, p50")
        for what, (millis, found) in (await _asked(app, Signer.at("users", shared.keys))).items():
            if what == "everything":
                whole = millis
            print(f"  {what:32} {millis:7.2f} ms  {millis / whole:5.2f} x  ({found} rows)")
        print(f"  the plan of {DHARAN}:")
        for line in await _plan(database, keys):
            print(f"    {line}")


async def _asked(app: Any, signer: Signer) -> dict[str, tuple[float, int]]:
    """Median milliseconds and rows of each first page."""
    millis: dict[str, list[float]] = {what: [] for what in ASKED}
    rows: dict[str, int] = {}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench") as http:
        for _ in range(ROUNDS):
            for what, (role, scope, query) in ASKED.items():
                token = signer.sign("user:9", role, scope=scope)
                began = time.perf_counter()
                answer = await http.get(
                    PATH, params=query, headers={"Authorization": f"Bearer {token}"}
                )
                millis[what].append((time.perf_counter() - began) * 1_000)
                rows[what] = len(answer.raise_for_status().json()["data"]["items"])
    return {what: (statistics.median(each), rows[what]) for what, each in millis.items()}


async def _plan(database: Database, keys: ServiceKeys) -> list[str]:
    role, scope, _ = ASKED["a municipality"]
    officer = Principal("user:9", role, scope)
    page = newest_seen(officer, Filters(), keys.blind, after=None, limit=LIMIT)
    async with database.read() as session:
        return [str(row[-1]) for row in await session.execute(Explain(page))]


async def _fill(database: Database, keys: ServiceKeys, cases: int) -> None:
    """Write cases as the service would, many at a time."""
    for start in range(0, cases, BATCH):
        rows: dict[Table, list[dict[str, Any]]] = {}
        for number in range(start, min(start + BATCH, cases)):
            for table, row in _case(keys, number, every=cases // NARROW):
                rows.setdefault(table, []).append(row)
        async with database.write() as session:
            for table, many in rows.items():
                await session.execute(insert(table), many)
    if not database.is_sqlite:
        async with database.write() as session:
            await session.execute(text("ANALYZE"))


def _case(keys: ServiceKeys, number: int, *, every: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    reference, at = f"GRV-{number:06}", utc_now() - timedelta(minutes=number)
    place = f"{PROVINCES[number % 7]}/District {number % 11}/Municipality {number % 97}"
    said = Belonging(PROJECTS[number % 3], "Road Office", place if number % every else DHARAN)
    key, subject = os.urandom(KEY_BYTES), lasting_subject(reference)
    sealing = SubjectKey(key)
    yield Grievance.__table__, {
        "grievance_id": reference, "filed_by": "guest:1", "channel": "api", "status": "pending",
        "level": 1, "sensitivity": "standard", "language": "en", "description": b"-",
        "categories": [], "classification_status": "pending", "access_code": b"", "version": 1,
        "created_at": at, "updated_at": at,
        **{
            name: sealing.seal(f"grievances.{name}", reference, getattr(said, name))
            for name in Belonging.__dataclass_fields__
        },
    }  # fmt: skip
    wrapped = keys.wrap(key, aad=f"data_keys.wrapped.{subject}")
    yield GROUND.data_keys, {"subject": subject, "wrapped": wrapped, "created_at": at}
    for word in said.words(keys.blind):
        yield CaseWord.__table__, {"word": word, "created_at": at, "grievance_id": reference}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.scopes", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    start_logging(level="error", form="console")
    asyncio.run(main(parser.parse_args().cases))
