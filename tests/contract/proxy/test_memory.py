"""A hundred megabytes up and down, and the gateway's memory stays where it was."""

import asyncio
import functools
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.proxy.door import MIB, Door
from tests.contract.proxy.messages import answer, chunk, read_answer
from tests.contract.proxy.upstream import Connection, Upstream
from tests.contract.proxy.wire import Wire

SIZE = 100 * MIB
PIECE = bytes(256 * 1024)
GROWTH = 40 * MIB
STATUS = Path("/proc/self/status")

pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="reads memory from /proc")


@pytest.fixture
async def alone(tmp_path: Path, upstream: Upstream) -> AsyncIterator[tuple[Door, int]]:
    """The gateway in a process of its own, and that process's id."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contract.proxy.child", str(tmp_path), str(upstream.port),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin
    assert child.stdout
    async with asyncio.timeout(20):
        port = int(await child.stdout.readline())
    door = Door.at(port, tmp_path)
    yield door, child.pid
    door.close()
    child.stdin.close()
    await child.communicate()


def resident(process: int, mark: str = "VmRSS") -> int:
    """Bytes of memory in use; with `VmHWM` the most there ever were."""
    found = re.search(rf"{mark}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) * 1024


async def _absorb(connection: Connection) -> None:
    while request := await connection.head():
        if request.value("transfer-encoding"):
            while (line := await connection.until(b"\r\n")) != b"0\r\n":
                await connection.skip(int(line, 16) + 2, seconds=20)
            await connection.until(b"\r\n")
        else:
            await connection.skip(int(request.value("content-length") or 0), seconds=20)
        await connection.send(answer(b"thanks"))


async def _upload(door: Door, wire: Wire, *, chunked: bool) -> None:
    told = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SIZE}"
    await wire.send(door.head("POST", "/large", told, "Content-Type: application/octet-stream"))
    piece = chunk(PIECE) if chunked else PIECE
    for _ in range(SIZE // len(PIECE)):
        await wire.send(piece)
    await wire.send(b"0\r\n\r\n" if chunked else b"")
    assert (await read_answer(wire)).body == b"thanks"


async def _download(door: Door, wire: Wire) -> None:
    """All of it, with a rest in the middle."""
    await wire.send(door.head("GET", "/large"))
    await wire.skip(SIZE // 2, seconds=20)
    await asyncio.sleep(0.2)
    await wire.skip(SIZE // 2, seconds=20)


async def _pour(connection: Connection, *, chunked: bool) -> None:
    told = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SIZE}"
    await connection.request()
    await connection.send(answer(b"", told, length=False))
    for _ in range(SIZE // len(PIECE)):
        await connection.send(chunk(PIECE) if chunked else PIECE, seconds=20)
    connection.close()


async def test_what_passes_through_costs_no_memory(
    alone: tuple[Door, int], upstream: Upstream
) -> None:
    """Issue 3, must show 6: memory flat, counted and chunked, up and down."""
    door, process = alone
    upstream.script = _absorb
    await door.ask("POST", "/large", body=b"{}")
    before = resident(process)
    growth = {}
    for chunked in (True, False):
        await _upload(door, await door.connect(), chunked=chunked)
        growth["up", chunked] = resident(process, "VmHWM") - before
    upstream.connections[0].close()
    for chunked in (True, False):
        upstream.script = functools.partial(_pour, chunked=chunked)
        await _download(door, await door.connect())
        growth["down", chunked] = resident(process, "VmHWM") - before

    assert {kind: size for kind, size in growth.items() if size >= GROWTH} == {}
