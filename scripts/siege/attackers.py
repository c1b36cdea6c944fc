"""Slow sockets: heads that never end, bodies that drip, answers nobody reads, and plain silence.

`python -m scripts.siege.attackers KIND PORT TOKEN MANY REPORT`, a process of its own so that it is
not the load client who is slow. Kinds: half-open ones, who do not finish asking, and deaf ones, who
do not read what they asked for. They come from an address of their own, so that a cap per address
is theirs and nobody else's. SIGUSR1: those who are hung up on come no more.
"""

import asyncio
import itertools
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvloop

from scripts.siege.cores import allow_many_sockets
from scripts.siege.lines import HOST, request
from scripts.siege.processes import held

HALF_OPEN, DEAF = "half-open", "deaf"
ADDRESS = "127.0.0.66"
DRIP_SECONDS = 1.0
SLICES = 20
LOOK_EVERY = 40
"""In slices of a second's drip: every two seconds."""
OPENINGS_A_SLICE = 2
SMALL_BUFFER = 4096
LONG_TARGET = "/api/v1/files/0199c0de-0000-7000-8000-000000000000/content"


@dataclass(frozen=True)
class Trick:
    """How a slow socket begins, and what it says from then on."""

    name: str
    opening: bytes
    drip: bytes
    share: int
    is_deaf: bool = False


def tricks(token: str) -> list[Trick]:
    """The mix; those that need a caller's rights have them."""
    head = request("GET", "/api/v1/categories", token=token)[:-2]
    kind = "application/json"
    body = request(
        "POST", "/api/v1/grievances", token=token, content_length=100_000, content_type=kind
    )
    return [
        Trick("head drips", head + b"X-Slow: ", b"a", 4),
        Trick("body drips", body + b"{", b" ", 3),
        Trick("answer not read", request("GET", LONG_TARGET, token=token), b"", 2, is_deaf=True),
        Trick("silent", b"", b"", 1),
    ]


@dataclass
class Slow:
    """One socket, and since when it is there."""

    trick: Trick
    line: socket.socket
    port: int
    since: float


class Attackers:
    """Keeps so many slow sockets open at `port`, and counts how long each is borne with."""

    def __init__(self, kind: str, port: int, token: str, many: int, report: Path) -> None:
        self._port = port
        self._many = many
        self._report = report
        self._tricks = _in_turn([each for each in tricks(token) if each.is_deaf == (kind == DEAF)])
        self._held: list[Slow] = []
        self._longest: dict[str, float] = {}
        self._is_replacing = True

    def leave(self) -> None:
        """Come no more."""
        self._is_replacing = False

    async def go_on(self) -> None:
        """Drip, look who was hung up on, and come again, until killed."""
        for step in itertools.count():
            for slow in self._held[step % SLICES :: SLICES]:
                with suppress(OSError):
                    slow.line.send(slow.trick.drip)
            if step % LOOK_EVERY == 0:
                self._look()
            if self._is_replacing:
                for _ in range(min(self._many - len(self._held), OPENINGS_A_SLICE)):
                    await self._open()
            await asyncio.sleep(DRIP_SECONDS / SLICES)

    def _look(self) -> None:
        there, now = held(self._port, ADDRESS), time.monotonic()
        staying = []
        for slow in self._held:
            life = now - slow.since
            # One that still waits for the listener is not held by anybody yet.
            if slow.port not in there and life > DRIP_SECONDS:
                slow.line.close()
                continue
            staying.append(slow)
            self._longest[slow.trick.name] = max(life, self._longest.get(slow.trick.name, 0.0))
        self._held = staying
        fresh = self._report.with_suffix(".new")
        fresh.write_text(json.dumps({"held": len(there), "longest": self._longest}))
        fresh.replace(self._report)

    async def _open(self) -> None:
        trick, line = next(self._tricks), socket.socket()
        line.setblocking(False)
        if trick.is_deaf:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        try:
            line.bind((ADDRESS, 0))
            await asyncio.get_running_loop().sock_connect(line, (HOST, self._port))
            line.send(trick.opening)
        except OSError:
            line.close()
        else:
            self._held.append(Slow(trick, line, line.getsockname()[1], time.monotonic()))


def _in_turn(found: list[Trick]) -> Iterator[Trick]:
    return itertools.cycle([trick for trick in found for _ in range(trick.share)])


async def main(kind: str, port: str, token: str, many: str, report: str) -> None:
    """Attack."""
    attackers = Attackers(kind, int(port), token, int(many), Path(report))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, attackers.leave)
    await attackers.go_on()


if __name__ == "__main__":
    allow_many_sockets()
    os.nice(19)  # others' attackers are on machines of their own
    uvloop.run(main(*sys.argv[1:]))
