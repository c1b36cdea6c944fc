"""SIGTERM under load, again and again: nobody's request fails (reliability row 33, goal 6)."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts.siege import realtime
from scripts.siege.balancer import Balancer
from scripts.siege.doors import Door, Street, street
from scripts.siege.keepers import Failure, Habit, Keeper
from scripts.siege.lines import request
from scripts.siege.reporting import Check, at_most, none_of, noted, say
from scripts.siege.uploads import SIZES, Held

MOST_SECONDS = 30.0
WAITED_SECONDS = 40.0
SETTLE_SECONDS = 0.5
HOLD_SECONDS = 1.0
LONG_HOLD_SECONDS = 8.0
LONG_HOLD_EVERY = 10
CLIENTS = {"busy": 12, "quiet": 8, "fleeting": 4, "late": 4}


@dataclass
class Found:
    """What all rounds together showed."""

    failures: list[Failure] = field(default_factory=list)
    exits: list[float] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    not_there: set[str] = field(default_factory=set)


async def prove(folder: Path, *, is_quick: bool) -> list[Check]:
    """Two doors take turns; each is stopped while it is used, and started again."""
    rounds = 6 if is_quick else 100
    found = Found()
    async with street(folder, doors=2) as here:
        balancer = Balancer([door.port for door in here.doors])
        async with _clients(here, balancer, found) as keepers:
            for number in range(rounds):
                await _round(here, balancer, found, number)
                if (number + 1) % 10 == 0:
                    say(f"{number + 1} SIGTERMs, {len(found.failures)} failed requests")
            answered = sum(keeper.answered for keeper in keepers)
    return _checks(found, rounds, answered)


@asynccontextmanager
async def _clients(here: Street, balancer: Balancer, found: Found) -> AsyncIterator[list[Keeper]]:
    keepers = [
        Keeper(balancer, habit, found.failures.append)
        for habit in _habits(here)
        for _ in range(CLIENTS[habit.name])
    ]
    tasks = [asyncio.create_task(keeper.go_on()) for keeper in keepers]
    tasks.append(asyncio.create_task(balancer.watch()))
    try:
        yield keepers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _habits(here: Street) -> list[Habit]:
    """Busy ones, ones that pause, ones that come for a single request, and one slow route."""
    token = here.asks.token()
    read = request("GET", "/api/v1/categories", token=token)
    write = request("POST", "/api/v1/grievances", token=token, body=b'{"description":"dry tap"}')
    late = request("GET", "/api/v1/chat/faqs")
    return [
        Habit("busy", (0.0, 0.04), 1_000_000, [read, write]),
        Habit("quiet", (0.5, 3.0), 1_000_000, [read, write]),
        Habit("fleeting", (0.0, 0.02), 1, [read, write]),
        Habit("late", (0.0, 0.1), 1_000_000, [late]),
    ]


async def _round(here: Street, balancer: Balancer, found: Found, number: int) -> None:
    await asyncio.sleep(SETTLE_SECONDS)
    door = next(door for door in here.doors if door.port == balancer.current)
    token = here.asks.token()
    held = [await Held.at(door.port, token, size) for size in SIZES]
    told = await _listeners(door, token, found)
    await asyncio.sleep(SETTLE_SECONDS / 5)
    began = time.monotonic()
    door.program.signal(signal.SIGTERM)
    async with asyncio.TaskGroup() as group:
        exiting = group.create_task(door.ended(WAITED_SECONDS))
        group.create_task(_finish(held, found, number))
        listening = [group.create_task(each()) for each in told]
    found.exits.append(exiting.result())
    found.told += [task.result() for task in listening]
    _note(found, began)
    await asyncio.to_thread(door.program.end)
    await door.start()


async def _finish(held: list[Held], found: Found, number: int) -> None:
    is_long = number % LONG_HOLD_EVERY == LONG_HOLD_EVERY - 1
    await asyncio.sleep(LONG_HOLD_SECONDS if is_long else HOLD_SECONDS)
    found.uploads += await asyncio.gather(*(each.finish() for each in held))


async def _listeners(door: Door, token: str, found: Found) -> list[realtime.Told]:
    told = []
    for kind in (realtime.stream, realtime.websocket, realtime.polling):
        try:
            told.append(await kind(door.port, token))
        except realtime.NotThere as error:
            found.not_there.add(str(error))
        except (realtime.NotTaken, OSError, TimeoutError, EOFError) as error:
            found.told.append(str(error) or type(error).__name__)
    return told


def _note(found: Found, began: float) -> None:
    """Say at once what failed: how long after the signal, and how."""
    for failure in found.failures:
        if failure.at >= began:
            say(f"  {failure.at - began:+.3f} s {failure.habit}: {failure.reason}")


def _checks(found: Found, rounds: int, answered: int) -> list[Check]:
    reasons = [f"{failure.habit}: {failure.reason}" for failure in found.failures]
    failed = [reason for reason in found.uploads if reason]
    unsaid = [word for word in found.told if word != realtime.TOLD]
    checks = [
        noted("SIGTERMs", str(rounds)),
        none_of("failed requests", len(reasons), answered + len(reasons), reasons),
        at_most("slowest exit", max(found.exits), MOST_SECONDS, " s"),
        none_of("uploads without their answer", len(failed), len(found.uploads), failed),
    ]
    if found.told:
        checks.append(
            none_of(
                "streams and sockets not told to reconnect", len(unsaid), len(found.told), unsaid
            )
        )
    return checks + [noted("real time is left out", why) for why in sorted(found.not_there)]
