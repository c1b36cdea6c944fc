"""Lives that end by SIGKILL somewhere between the commit of a fact and the mark that it was told.

Each is a fork of this process, so that a thousand of them are affordable; each opens everything
anew, as a restarted program does.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from libs.common.bus.protocol import Bus, Message
from libs.common.errors import AppError
from scripts.feedproof.bells import Site, chance, relay_of, strike

CUTS = ("committed", "placed", "half published", "confirmed", "any moment")
"""Where the process dies: after the commit, before publishing, within it, before marking."""
RELAYS = frozenset({"placed", "half published", "confirmed"})
STRIKES = 4
SECONDS = 60.0
AT_ONCE = 4


class Cut(Exception):
    """A life did not end as it was to."""


class DeadlyBus:
    """A real bus, at whose door the process dies."""

    def __init__(self, bus: Bus, cut: str, *, spared: int) -> None:
        self._bus = bus
        self._cut = cut
        self._spared = spared

    async def publish(self, messages: Sequence[Message]) -> int:
        """Publish, as often as it is spared; then never return."""
        if self._spared:
            self._spared -= 1
            return await self._bus.publish(messages)
        if self._cut == "half published":
            await self._bus.publish(messages[: (len(messages) + 1) // 2])
        elif self._cut == "confirmed":
            await self._bus.publish(messages)
        die()
        return 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


def die() -> None:
    """SIGKILL, to oneself: nothing is flushed, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)


async def live(site: Site, cut: str) -> None:
    """Strike some bells, and die at `cut`."""
    uow, plan = site.uow(), chance()
    if cut == "any moment":
        while True:
            await strike(uow, plan)
    for _ in range(STRIKES):
        await strike(uow, plan)
    if cut == "committed":
        die()
    bus = site.bus()
    await bus.start()
    relay = relay_of(uow, DeadlyBus(bus, cut, spared=plan.randint(0, 2)))
    while True:
        with suppress(AppError):  # a bus that is just being connected
            await relay._step()  # noqa: SLF001
        await strike(uow, plan)


class Lives:
    """Forks them, and sees each of them die as it was to."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._running: dict[int, str] = {}
        self.died: dict[str, int] = dict.fromkeys(CUTS, 0)

    def run(self, cuts: int) -> None:
        """End `cuts` lives; one relay at a time, writers beside it. Raises Cut."""
        waiting = [CUTS[number % len(CUTS)] for number in range(cuts)]
        while waiting or self._running:
            begun = self._next(waiting)
            if begun is None:
                self._bury()
            elif begun == "any moment":
                self._kill(self._fork(begun))
            else:
                self._fork(begun)

    def _next(self, waiting: list[str]) -> str | None:
        if len(self._running) >= AT_ONCE:
            return None
        has_relay = not RELAYS.isdisjoint(self._running.values())
        for number, cut in enumerate(waiting):
            if not (has_relay and cut in RELAYS):
                return waiting.pop(number)
        return None

    def _fork(self, cut: str) -> int:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                signal.alarm(int(SECONDS))
                asyncio.run(live(self._site, cut))
            except BaseException as failure:  # noqa: BLE001 - a child must never go on as its parent
                os.write(2, f"feedproof: {cut}: {type(failure).__name__} {failure}\n".encode())
            finally:
                os._exit(code)
        self._running[pid] = cut
        return pid

    def _kill(self, pid: int) -> None:
        """From outside, whatever it is just doing."""
        time.sleep(random.uniform(0.02, 0.12))
        os.kill(pid, signal.SIGKILL)

    def _bury(self) -> None:
        pid, status = os.wait()
        cut = self._running.pop(pid)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            raise Cut(f"a life that was to end at {cut!r} ended with {status}")
        self.died[cut] += 1
