"""The outside consumer of examples/: reads the feed by cursor, and nothing twice or never."""

import asyncio
import json
import runpy
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from libs.common.principal import Role
from libs.common.web.serving import bind
from tests.service.gateway.feeds import House, make_log, open_house, steps

house = pytest.fixture(open_house)
CONSUMER = Path(__file__).parents[3] / "examples" / "consumer.py"


@pytest.fixture(scope="session")
def empty_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_log(tmp_path_factory.mktemp("logs") / "empty.db")


@dataclass
class Run:
    """What a run of the consumer printed, and how it ended."""

    code: int | None
    events: list[dict[str, Any]]
    complaint: str


@dataclass
class Outsider:
    """Somebody who runs the example, with the bare interpreter and nothing of ours."""

    url: str
    cursor_file: Path
    key: str

    async def run(self, *arguments: str) -> Run:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(CONSUMER), "--feed", self.url, "--key", self.key),
            *("--cursor-file", str(self.cursor_file), *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(30):
                out, complaint = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        events = [json.loads(line) for line in out.splitlines()]
        return Run(process.returncode, events, complaint.decode())


@asynccontextmanager
async def serving(house: House) -> AsyncIterator[str]:
    bound = bind("127.0.0.1", 0)
    config = uvicorn.Config(
        house.with_key, lifespan="off", log_config=None, access_log=False, interface="asgi3"
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[bound])
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        await server.shutdown(sockets=[bound])


@pytest.fixture
async def outsider(house: House, tmp_path: Path) -> AsyncIterator[Outsider]:
    async with serving(house) as url:
        yield Outsider(url, tmp_path / "redress.cursor", house.key)


async def test_it_reads_from_the_first_event_and_goes_on_after_a_restart(
    outsider: Outsider, house: House
) -> None:
    """S0 «other systems consume»: nothing but Python, a key and a cursor in a file."""
    await house["users"].walk(0, 1)
    await house["tasks"].walk(2, 3)
    first = await outsider.run("--count", "3")
    second = await outsider.run("--count", "1")
    await house["chat"].walk(4)
    third = await outsider.run("--count", "1")

    assert [run.code for run in (first, second, third)] == [0, 0, 0], first.complaint
    assert [steps(run.events) for run in (first, second, third)] == [[0, 1, 2], [3], [4]]


async def test_what_was_not_handled_to_the_end_comes_again(
    outsider: Outsider, house: House
) -> None:
    await house["users"].walk(0)
    await outsider.run("--count", "1")
    kept = outsider.cursor_file.read_bytes()
    await house["users"].walk(1)
    await outsider.run("--count", "1")
    outsider.cursor_file.write_bytes(kept)  # as if it had died before it wrote it down

    assert steps((await outsider.run("--count", "1")).events) == [1]


async def test_it_takes_what_it_asked_for(outsider: Outsider, house: House) -> None:
    await house["users"].walk(0, place="Ilam")
    await house["users"].walk(1, place="Mugu")
    chosen = ("--type", "yeti.*", "--type", "task.*", "--subject", "Mugu", "--count", "1")

    assert steps((await outsider.run(*chosen)).events) == [1]


async def test_a_refusal_is_said_and_not_repeated_for_ever(
    outsider: Outsider, house: House
) -> None:
    outsider.key = house.token(Role.API_CLIENT, "grievances:read")
    refused = await outsider.run("--count", "1")
    assert refused.code == 1
    assert "FORBIDDEN" in refused.complaint

    outsider.key = house.key
    outsider.cursor_file.write_text("garbage")
    assert "INVALID_CURSOR" in (await outsider.run("--count", "1")).complaint


async def test_it_asks_again_when_everybody_is_away(outsider: Outsider, house: House) -> None:
    await house["users"].walk(1)
    house.refuses = 2

    run = await outsider.run("--count", "1")
    assert (run.code, steps(run.events)) == (0, [1])
    assert house.refuses == 0


def test_without_a_count_it_goes_on_for_good(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    consumer = runpy.run_path(str(CONSUMER))
    limits: list[int] = []

    def answered(_: object, cursor: str | None, limit: int) -> dict[str, Any]:
        limits.append(limit)
        if len(limits) == 3:
            raise KeyboardInterrupt
        return {"incomplete": [], "items": [{}] * 600, "next_cursor": str(len(limits))}

    follow = consumer["follow"]
    for name, stand_in in {"answered": answered, "checked": dict, "show": str}.items():
        monkeypatch.setitem(follow.__globals__, name, stand_in)
    with pytest.raises(KeyboardInterrupt):
        follow(Namespace(count=0, seconds=None, cursor_file=tmp_path / "cursor"))

    assert limits == [1000, 1000, 1000]
