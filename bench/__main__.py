"""Measure, print a table, write nothing."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bench.baseline import durable_inserts
from bench.latency import latency
from bench.load import Timing, load
from bench.processes import cpu_seconds, resident_mib, tree
from libs.common.testing.private import ServerMissing, free_port
from libs.common.testing.servers import PrivatePostgres, PrivateRabbit
from libs.common.testing.stage import until
from scripts.demo.api import Caller, connect
from scripts.demo.people import guest
from scripts.torture.counting import unfinished
from scripts.torture.rows import rows_of
from scripts.torture.systems import Embedded

IDLE_SECONDS = 5.0
DRAIN_SECONDS = 180.0
BODY = {
    "description": "The drinking water tap in our ward has been dry for nine days.",
    "project_type": "water",
    "place": {"municipality": "Dharan", "ward": 5},
    "contact": {"name": "Sita Sharma", "phone_number": "+9779812345678"},
}


@dataclass(frozen=True)
class Filing:
    """What filings took."""

    one: Timing
    many: Timing
    own_cpu: float
    """Milliseconds of the process that answers, while it answers."""
    whole_cpu: float
    """Milliseconds of all processes, until everything a filing causes is done."""


async def main(requests: int) -> None:
    """Measure everything and print it."""
    with tempfile.TemporaryDirectory(prefix="redress-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        system = Embedded(folder)
        stack.callback(system.end)
        cold = await system.start()
        await system.stop()
        warm = await system.start()
        await asyncio.sleep(IDLE_SECONDS)
        family = tree(system.programs[0].pid)
        row("cold start", f"{cold:.2f} s", "keys, five schemas, everything")
        row("warm start", f"{warm:.2f} s", "expected: under 5 s")
        row(
            "idle memory",
            f"{resident_mib(family):.0f} MiB",
            f"{len(family)} processes, RSS summed; expected: under 300 MB",
        )
        filing = await _filing(system, requests)
        echo, echo_cpu = await _echo(requests)
        _print_filing(filing, echo, echo_cpu, durable_inserts(folder))
        sqlite = f"sqlite+aiosqlite:///{folder}/latency.db"
        found = await latency(sqlite, f"embedded://{folder}/latency-bus.db", folder)
        row("commit → consumer, embedded", f"p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms")
        with suppress(ServerMissing):
            postgres = stack.enter_context(PrivatePostgres())
            rabbit = stack.enter_context(PrivateRabbit())
            found = await latency(postgres.url, rabbit.url, folder)
            row(
                "commit → consumer, PostgreSQL, RabbitMQ",
                f"p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms",
                "budget: p50 under 5, p99 under 30",
            )


async def _filing(system: Embedded, requests: int) -> Filing:
    """File one after the other, then eight at a time."""
    async with connect(system.base) as http:
        token = (await guest(Caller(http))).token
    headers = {"Authorization": f"Bearer {token}"}
    path, pid = "/api/v1/grievances", system.programs[0].pid
    await load(system.base, path, requests=100, clients=4, headers=headers, body=BODY)
    await _quiet(system)
    own, whole = cpu_seconds([pid]), cpu_seconds(tree(pid))
    one = await load(
        system.base, path, requests=requests // 2, clients=1, headers=headers, body=BODY
    )
    many = await load(
        system.base, path, requests=requests // 2, clients=8, headers=headers, body=BODY
    )
    own = cpu_seconds([pid]) - own
    await _quiet(system)
    whole = cpu_seconds(tree(pid)) - whole
    done = requests // 2 * 2
    return Filing(one, many, own / done * 1_000, whole / done * 1_000)


async def _quiet(system: Embedded) -> None:
    rows = rows_of(system)

    async def is_quiet() -> bool:
        return await unfinished(rows) == 0

    await until(is_quiet, seconds=DRAIN_SECONDS, every=0.5)


async def _echo(requests: int) -> tuple[Timing, float]:
    """The same load on a bare ASGI echo; and its CPU per request."""
    port = free_port()
    command = [sys.executable, "-m", "bench.baseline", str(port)]
    process = subprocess.Popen(command)
    base = f"http://127.0.0.1:{port}"
    try:
        await _answering(base)
        before = cpu_seconds([process.pid])
        timing = await load(base, "/", requests=requests, clients=1, headers={}, body=BODY)
        return timing, (cpu_seconds([process.pid]) - before) / requests * 1_000
    finally:
        process.terminate()
        process.wait(10)


async def _answering(base: str) -> None:
    async with connect(base) as http, asyncio.timeout(20):
        while True:
            with suppress(httpx2.TransportError):
                await http.post("/")
                return
            await asyncio.sleep(0.05)


def _print_filing(filing: Filing, echo: Timing, echo_cpu: float, inserts: float) -> None:
    one, many = filing.one, filing.many
    row(
        "create, one client",
        f"p50 {one.p50:.1f} ms, p99 {one.p99:.1f} ms",
        f"{one.p50 / echo.p50:.1f} x a bare ASGI echo ({echo.p50:.2f} ms)",
    )
    row(
        "create, eight clients",
        f"p50 {many.p50:.1f} ms, p99 {many.p99:.1f} ms",
        f"{many.rate:.0f} a second, {many.rate / inserts:.2f} x bare durable inserts"
        f" ({inserts:.0f} a second)",
    )
    row(
        "CPU per create, while answering",
        f"{filing.own_cpu:.2f} ms",
        f"{filing.own_cpu / echo_cpu:.0f} x the echo ({echo_cpu:.2f} ms);"
        " reading and linking of earlier ones included; expected: under 4 ms",
    )
    row(
        "CPU per create, all it causes",
        f"{filing.whole_cpu:.2f} ms",
        "every process, until events are heard and tasks done",
    )


def row(what: str, figure: str, remark: str = "") -> None:
    """One line of the table."""
    print(f"{what:42}{figure:30}{remark}".rstrip(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    asyncio.run(main(parser.parse_args().requests))
