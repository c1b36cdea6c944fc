"""Measure, print a table, write nothing."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2

from bench.baseline import durable_inserts
from bench.filing import BODY, Filing, alone, filing
from bench.identity import identity
from bench.latency import latency
from bench.load import Timing, load
from bench.processes import cpu_seconds, resident_mib, tree
from libs.common.logging import start_logging
from libs.common.testing.private import ServerMissing, free_port
from libs.common.testing.servers import PrivatePostgres, PrivateRabbit
from scripts.demo.api import connect
from scripts.torture.systems import Embedded, Split

IDLE_SECONDS = 5.0
READY_SECONDS = 20.0


async def main(requests: int) -> None:
    """Measure everything and print it."""
    with tempfile.TemporaryDirectory(prefix="redress-bench-") as name:
        folder = Path(name)
        await _embedded(folder, requests)
        found = await latency(
            f"sqlite+aiosqlite:///{folder}/latency.db", f"embedded://{folder}/bus.db", folder
        )
        _row("commit → consumer, embedded", _timing(found))
        for row in await identity():
            _row(*row)
        try:
            await _split(folder / "split", requests)
        except ServerMissing as missing:
            _row("split", "not measured", str(missing))


async def _embedded(folder: Path, requests: int) -> None:
    with ExitStack() as stack:
        system = Embedded(folder)
        stack.callback(system.end)
        cold = await system.start()
        await system.stop()
        warm = await system.start()
        await asyncio.sleep(IDLE_SECONDS)
        family = tree(system.programs[0].pid)
        memory, busy = resident_mib(family), cpu_seconds(family)
        await asyncio.sleep(IDLE_SECONDS)
        busy = cpu_seconds(family) - busy
        _row("cold start", f"{cold:.2f} s", "keys, five schemas, everything")
        _row("warm start", f"{warm:.2f} s", "expected: under 5 s")
        _row(
            "idle memory",
            f"{memory:.0f} MiB",
            f"processes: {len(family)}, RSS summed; expected: under 300 MB",
        )
        _row("idle CPU", f"{busy / IDLE_SECONDS:.1%} of a core")
        found = await filing(system, requests)
        family = tree(system.programs[0].pid)
        _row("memory after work", f"{resident_mib(family):.0f} MiB", f"processes: {len(family)}")
    echo, echo_cpu = await _echo(requests)
    _print_filing(found, echo, echo_cpu, durable_inserts(folder))


async def _split(folder: Path, requests: int) -> None:
    folder.mkdir()
    with ExitStack() as stack:
        postgres = stack.enter_context(PrivatePostgres())
        rabbit = stack.enter_context(PrivateRabbit())
        found = await latency(postgres.url, rabbit.url, folder)
        _row(
            "commit → consumer, PostgreSQL, RabbitMQ",
            _timing(found),
            "budget: p50 under 5 ms, p99 under 30 ms",
        )
    with ExitStack() as stack:
        system = Split(folder)
        stack.callback(system.end)
        await system.start()
        measured = await filing(system, requests)
        lonely, cpu = await alone(system, requests)
    _row("create, split, one client", _timing(measured.one))
    _row(
        "create, split, eight clients", _timing(measured.many), f"{measured.many.rate:.0f} a second"
    )
    _row("CPU per create, split, while answering", *_by_program(measured.answering))
    _row("CPU per create, split, all it causes", *_by_program(measured.whole))
    _row("create, others frozen, eight clients", _timing(lonely), f"{lonely.rate:.0f} a second")
    _row("CPU per create, others frozen", *_by_program(cpu))


async def _echo(requests: int) -> tuple[Timing, float]:
    """The same load on a bare ASGI echo; and its CPU per request."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.baseline", str(port)])
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
    async with connect(base) as http, asyncio.timeout(READY_SECONDS):
        while True:
            with suppress(httpx2.TransportError):
                await http.post("/")
                return
            await asyncio.sleep(0.05)


def _print_filing(found: Filing, echo: Timing, echo_cpu: float, inserts: float) -> None:
    own, whole = (sum(each.values()) for each in (found.answering, found.whole))
    _row(
        "create, one client",
        _timing(found.one),
        f"{found.one.p50 / echo.p50:.1f} x a bare ASGI echo ({echo.p50:.2f} ms)",
    )
    _row(
        "create, eight clients",
        _timing(found.many),
        f"{found.many.rate:.0f} a second, {found.many.rate / inserts:.2f} x"
        f" bare durable inserts ({inserts:.0f} a second)",
    )
    _row(
        "CPU per create, while answering",
        f"{own:.2f} ms",
        f"{own / echo_cpu:.0f} x the echo ({echo_cpu:.2f} ms); what earlier ones cause counts",
    )
    _row(
        "CPU per create, all it causes", f"{whole:.2f} ms", "until events are heard and tasks done"
    )


def _by_program(cpu: Mapping[str, float]) -> tuple[str, str]:
    each = ", ".join(f"{name} {millis:.2f}" for name, millis in cpu.items())
    return f"{sum(cpu.values()):.2f} ms", each


def _timing(found: Timing) -> str:
    refused = f", 503: {found.refused}" if found.refused else ""
    return f"p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms{refused}"


def _row(what: str, figure: str, remark: str = "") -> None:
    """One line of the table."""
    print(f"{what:41} {figure:39} {remark}".rstrip(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    start_logging(level="error", form="console")
    asyncio.run(main(parser.parse_args().requests))
