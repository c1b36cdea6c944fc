"""Issue 4, must show 4: whatever is written into whatever field lies nowhere in plain text."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from tests.system.conftest import Start, System
from tests.system.planting import Garden, Place, Planting
from tests.system.test_canary import metrics_of
from tests.system.test_erasure import signed_in

AT_ONCE = 8
ENDLESS = "text/event-stream"
DENIED = frozenset({401, 403})
OPEN = frozenset(
    {
        "municipality",
        "place.municipality",
        "organisation",
        "project_type",
        "scope.projects.0",
        "scope.places.0",
        "scope.organisations.0",
    }
)
"""Words of the programme that cases are filtered by: no words about a person."""
NAME_OF_A_PROGRAM = ("post", "/api/v1/api-keys", "name")
"""What an administrator calls a program of somebody else."""
WORDS = frozenset({"name", "address", "text"})
"""What may stand there; a phone, an e-mail address and a national id are refused there, too."""


async def plant(garden: Garden, clients: Sequence[httpx2.AsyncClient]) -> dict[str, bytes]:
    """Make every request as the first of `clients` that may; answer what was refused, and how."""
    refusals: dict[str, bytes] = {}
    statuses: Counter[int] = Counter()
    waiting = garden.plantings()

    async def go_on() -> None:
        for planting in waiting:
            answer = await sent(planting, clients)
            statuses[answer.status_code] += 1
            if answer.is_error:
                refusals[f"{planting.place} {answer.status_code}"] = answer.content

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    assert not statuses[500], [name for name in refusals if name.endswith("500")]
    assert sum(statuses.values()) == len(garden.places) > 1000
    assert statuses[200] + statuses[201] + statuses[202] > 100
    return refusals


async def sent(planting: Planting, clients: Sequence[httpx2.AsyncClient]) -> httpx2.Response:
    for client in clients:
        request = client.build_request(
            planting.place.method.upper(),
            planting.url,
            params=planting.query,
            json=planting.json,
            data=planting.form,
        )
        answer = await client.send(request, stream=True)
        if not answer.headers.get("content-type", "").startswith(ENDLESS):
            await answer.aread()
        await answer.aclose()
        if answer.status_code not in DENIED:
            break
    return answer


def lying(tmp_path: Path) -> dict[str, bytes]:
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "uploads" not in path.parts]
    return {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}


def is_open(place: Place) -> bool:
    where = place.method, place.path, place.field
    return place.kind in WORDS and (place.field in OPEN or where == NAME_OF_A_PROGRAM)


@pytest.mark.timeout(240)
async def test_no_field_of_any_route_leaves_what_is_written_into_it_lying_about(
    start: Start, tmp_path: Path
) -> None:
    system: System = await start()
    guest = await system.guest()
    person, _ = await signed_in(system, guest)
    admin = await system.admin()
    officer = await system.staff("intake_officer", "9841000001")
    document = (await system.client().get("/openapi.json")).json()
    garden = Garden(document)

    refusals = await plant(garden, (person, officer, admin))
    metrics = (await metrics_of(tmp_path)).encode()

    found = {name: garden.found(content) for name, content in lying(tmp_path).items()}
    databases = {name for name in found if name.endswith((".db", "-wal", "-shm"))}
    elsewhere = {name: places for name, places in found.items() if name not in databases}
    in_databases = {
        (name, str(place)) for name in databases for place in found[name] if not is_open(place)
    }
    assert in_databases == set()
    assert {place.kind for name in databases for place in found[name]} == WORDS
    assert {(name, str(p)) for name, places in elsewhere.items() for p in places} == set()
    assert garden.found(metrics) == set()
    echoed = {name for name, content in refusals.items() if garden.found(content)}
    assert echoed == set()
