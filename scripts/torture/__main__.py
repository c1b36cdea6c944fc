"""`python -m scripts.torture`: file under SIGKILLs, wait until it is quiet, and count."""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from libs.common.logging import start_logging
from libs.common.testing.private import ServerMissing
from libs.common.testing.stage import until
from scripts.torture.clients import Ledger, file_all
from scripts.torture.counting import Count, count, left_open, unfinished
from scripts.torture.programs import DidNotStart
from scripts.torture.rows import Rows, rows_of
from scripts.torture.systems import Embedded, Split

STALLED_SECONDS = 120.0
"""A backlog may take its time on a slow machine, but it has to get smaller."""
TOTAL_SECONDS = 1_200.0
SIZES: dict[str, type[Embedded] | type[Split]] = {"embedded": Embedded, "split": Split}


async def torture(size: str, creates: int, kills: int) -> bool:
    """One size, from an empty folder to the table; whether all of it is zero."""
    folder = Path(tempfile.mkdtemp(prefix=f"redress-torture-{size}-"))
    print(f"\n{size}: {creates} creates, {kills} SIGKILLs (in {folder})", flush=True)
    system: Embedded | Split = await asyncio.to_thread(SIZES[size], folder)
    is_clean = False
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            is_clean = await _torture(system, creates, kills)
    finally:
        await asyncio.to_thread(system.end)
        if is_clean:
            shutil.rmtree(folder)
        else:
            print(f"  kept for a look: {folder}")
    return is_clean


async def _torture(system: Embedded | Split, creates: int, kills: int) -> bool:
    print(f"  started in {await system.start():.1f} s", flush=True)
    ledger, began = Ledger(), time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(file_all(system.base, creates, ledger))
        group.create_task(_kill(system, ledger, creates, kills))
    seconds = time.monotonic() - began
    print(
        f"  {len(ledger.acked)} acknowledged in {seconds:.0f} s with {ledger.tries} requests,"
        f" refused {len(ledger.refused)}",
        flush=True,
    )
    if ledger.put_off:
        print(f"  asked again after {dict(ledger.put_off)}", flush=True)
    rows = rows_of(system)
    drained = await _drained(rows)
    lines = await count(rows, ledger)
    if drained is None:
        print(f"  still waiting: {await rows.depths()}, tasks: {await left_open(rows)}")
    await system.stop()
    return _report(lines, ledger, drained, await rows.parked(), await rows.damaged())


async def _kill(system: Embedded | Split, ledger: Ledger, creates: int, kills: int) -> None:
    """Kill at random moments spread over the run: by what was acknowledged, not by the clock."""
    moments = sorted(random.uniform(0.02, 0.95) for _ in range(kills))
    for moment, victim in zip(moments, _victims(system, kills), strict=True):
        await until(partial(ledger.has_reached, creates * moment), seconds=TOTAL_SECONDS)
        await asyncio.sleep(random.uniform(0, 0.2))
        began = time.monotonic()
        await system.kill(victim)
        print(
            f"  SIGKILL {victim:10} at {len(ledger.acked):5} acknowledged,"
            f" back after {time.monotonic() - began:.1f} s",
            flush=True,
        )


def _victims(system: Embedded | Split, kills: int) -> list[str]:
    """Each part in turn; when there is a broker and a database, once each of them."""
    parts = system.victims
    chosen = [parts[number % len(parts)] for number in range(kills)]
    if isinstance(system, Split):
        chosen[kills // 3] = "broker"
        chosen[2 * kills // 3] = "database"
    return chosen


async def _drained(rows: Rows) -> float | None:
    """Seconds until nothing is on its way any more; None when it gets no less."""
    began = progress_at = time.monotonic()
    least, quiet = await unfinished(rows), 0
    while time.monotonic() - progress_at < STALLED_SECONDS:
        left = await unfinished(rows)
        if left < least:
            least, progress_at = left, time.monotonic()
        # Twice in a row: between two queues a message is in neither for a moment.
        quiet = 0 if left else quiet + 1
        if quiet > 1:
            return time.monotonic() - began
        await asyncio.sleep(0.5)
    return None


def _report(
    lines: list[Count],
    ledger: Ledger,
    drained: float | None,
    parked: list[str],
    damaged: list[str],
) -> bool:
    took = f"drained after {drained:.1f} s" if drained is not None else "NOT DRAINED, and no less"
    print(f"  {took}\n\n  {'':32}wanted   found    lost   twice   ghost  pending")
    for line in lines:
        print(
            f"  {line.what:30}{line.wanted:8}{line.found:8}{line.lost:8}{line.twice:8}"
            f"{line.ghost:8}{line.pending:9}"
        )
    print(f"\n  dead letters {len(parked)}, integrity_check {damaged or 'ok'}")
    for letter in sorted(set(parked))[:10]:
        print(f"    parked: {letter}")
    for name, why in list(ledger.refused.items())[:10]:
        print(f"    refused: {name} {why}")
    is_clean = all(line.is_clean for line in lines)
    return is_clean and drained is not None and not (parked or damaged or ledger.refused)


def main() -> int:
    """Exit code 0 when nothing was lost, doubled, invented or left behind."""
    parser = argparse.ArgumentParser(prog="python -m scripts.torture", description=__doc__)
    parser.add_argument("--creates", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--size", choices=[*SIZES, "both"], default="both")
    given = parser.parse_args()
    start_logging(level="error", form="console")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sizes = list(SIZES) if given.size == "both" else [given.size]
    try:
        clean = [asyncio.run(torture(size, given.creates, given.kills)) for size in sizes]
    except (ServerMissing, DidNotStart, TimeoutError) as failure:
        sys.stderr.write(f"torture: {type(failure).__name__} {failure}\n")
        return 1
    print("\n  " + ("clean" if all(clean) else "NOT CLEAN"))
    return 0 if all(clean) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
