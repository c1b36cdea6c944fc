"""Issue 4, must show 4: whatever is written into whatever field lies nowhere in plain text."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
import pytest

from tests.system.collector import gathering
from tests.system.conftest import Start, System
from tests.system.owned import BODIES, body_of, planted
from tests.system.planting import IF_MATCH, Garden, Known, Place, Planting
from tests.system.test_canary import metrics_of

AT_ONCE = 8
IN_TURN = asyncio.Lock()
ENDLESS = "text/event-stream"
DENIED = frozenset({401, 403, 404})
"""What somebody else may be let into."""
TRACED = {"REDRESS_TRACE_RATIO": "1", "OTEL_BSP_SCHEDULE_DELAY": "100"}
CHEAP = {"USERS_ARGON_MEMORY_KIB": "64"}
OWN_BODIES = {
    "POST /api/users": {"phone_number": "98411#####", "name": "Somebody", "role": "citizen"},
    "POST /api/v1/users": {"phone_number": "98412#####", "name": "Somebody", "role": "citizen"},
}
ANSWERED = 80
"""Of 104 routes; the rest wants a code, a password, or a case in a state of its own."""
SPANS = frozenset({"POST users", "POST grievance", "PUT grievance", "POST chat", "work"})


@dataclass
class Seen:
    """Where canaries were found, and which routes took what was sent."""

    garden: Garden
    found: set[tuple[str, str]] = field(default_factory=set)
    answered: set[tuple[str, str]] = field(default_factory=set)
    """Routes that did as they were asked at least once."""

    def look(self, name: str, content: bytes) -> None:
        """Note the canaries that are in `content`."""
        self.found |= {(name, str(place)) for place in self.garden.found(content)}

    async def plant(self, clients: Sequence[httpx2.AsyncClient], *, is_last: bool) -> None:
        """Make every request as the first of `clients` that may."""
        waiting = self.garden.plantings(is_last=is_last)

        async def go_on() -> None:
            for planting in waiting:
                for client in clients:
                    answer = await sent(client, planting)
                    self._note(planting.place, answer)
                    if answer.status_code not in DENIED:
                        break

        await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))

    def _note(self, place: Place, answer: httpx2.Response) -> None:
        assert answer.status_code != 500, (place, answer.text)
        if answer.is_error:
            told = str(answer.headers.multi_items()).encode() + answer.content
            self.look(f"{answer.status_code} of {place}", told)
        else:
            self.answered.add((place.method, place.path))


async def sent(client: httpx2.AsyncClient, planting: Planting) -> httpx2.Response:
    """Send it; where a version has to be named, the one there is."""
    if planting.headers.get(IF_MATCH) != "":
        return await asked(client, planting)
    async with IN_TURN:
        shown = await client.get(planting.url.removesuffix("/status").removesuffix("/actions"))
        version = {IF_MATCH: shown.headers.get("etag", "*")}
        return await asked(client, replace(planting, headers={**planting.headers, **version}))


async def asked(client: httpx2.AsyncClient, planting: Planting) -> httpx2.Response:
    """Ask, and read the answer; a stream is left once its head has come."""
    request = client.build_request(
        planting.place.method.upper(),
        planting.url,
        params=planting.query,
        headers=planting.headers,
        **planting.body.sent(),
    )
    answer = await client.send(request, stream=True)
    if not answer.headers.get("content-type", "").startswith(ENDLESS):
        await answer.aread()
    await answer.aclose()
    return answer


def lying(tmp_path: Path) -> dict[str, bytes]:
    """What lies on the disk, and how it is called; of photos, which are not sealed, the name."""
    return {
        name: name.encode() + (b"" if "uploads" in path.parts else path.read_bytes())
        for path in tmp_path.rglob("*")
        if path.is_file() and (name := str(path.relative_to(tmp_path)))
    }


@pytest.mark.timeout(300)
async def test_no_field_of_any_route_leaves_what_is_written_into_it_lying_about(
    start: Start, tmp_path: Path
) -> None:
    async with gathering() as gathered:
        system: System = await start(REDRESS_OTLP_ENDPOINT=gathered.url, **TRACED, **CHEAP)
        owned = await planted(system)
        people = [system.client(caller.token) for caller in owned.insiders()]
        clients = [await system.guest(), *reversed(people)]
        document = (await clients[0].get("/openapi.json")).json()
        bodies = OWN_BODIES | {name: body_of(name, owned) for name in BODIES}
        seen = Seen(Garden(document, Known(owned.ids, bodies)))
        for is_last in (False, True):
            await seen.plant(clients, is_last=is_last)
            seen.look("metrics", (await metrics_of(tmp_path)).encode())
            for name, content in lying(tmp_path).items():
                seen.look(name, content)
        names = lying(tmp_path).keys()
        assert await system.stop() == 0

    for name, content in lying(tmp_path).items():
        seen.look(f"{name}, afterwards", content)
    seen.look("spans", gathered.raw)
    assert seen.found == set()
    assert seen.garden.found(seen.garden.canaries()) == set(seen.garden.places)
    assert len(seen.garden.places) > 3000
    assert len(seen.answered) >= ANSWERED
    assert {"log-0", "var/bus.db", "var/users.db-wal"} <= names
    assert {span["name"] for span in gathered.spans()} >= SPANS
