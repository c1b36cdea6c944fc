"""Child processes: killed when they must be, and never left behind."""

import asyncio
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from libs.common.testing.stage import until
from services.tasks.clients.children import ChildDied, Children, HardTimeLimit

PARENT = """
import asyncio, os, time
from services.tasks.clients.children import Children

async def main():
    children = Children(1, hard_limit=60)
    print(await children.run(os.getpid), flush=True)
    await children.run(time.sleep, 60)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "parent.py"
    path.write_text(PARENT)
    return path


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def test_a_child_does_what_it_is_told() -> None:
    children = Children(1, hard_limit=20)
    try:
        assert await children.run(abs, -3) == 3
        with pytest.raises(ZeroDivisionError):
            await children.run(divmod, 1, 0)
    finally:
        await children.close()


async def test_no_child_is_left_when_the_service_ends() -> None:
    children = Children(2, hard_limit=60)
    pid = await children.run(os.getpid)
    working = asyncio.create_task(children.run(time.sleep, 60))
    await children.run(abs, 1)
    await children.close()
    await asyncio.wait({working})

    await until(lambda: not is_alive(pid))
    assert isinstance(working.exception(), ChildDied)


async def test_who_asks_while_the_service_ends_gets_no_child() -> None:
    """Nobody would end it: it would outlive the service by its hard limit."""
    children = Children(1, hard_limit=60)
    asked = [asyncio.create_task(children.run(time.sleep, 60)) for _ in range(8)]
    await asyncio.sleep(0)
    await children.close()
    await asyncio.wait(asked, timeout=20)

    assert [type(each.exception()) for each in asked] == [ChildDied] * 8
    with pytest.raises(ChildDied):
        await children.run(abs, 1)


async def test_children_with_nothing_to_do_are_let_go_and_come_back() -> None:
    children = Children(1, hard_limit=60)
    tending = asyncio.create_task(children.tend(idle_seconds=0.2))
    try:
        pid = await children.run(os.getpid)
        await until(lambda: not is_alive(pid))
        assert await children.run(os.getpid) != pid
    finally:
        tending.cancel()
        await children.close()


async def test_cancelling_kills_the_child_and_the_next_one_works() -> None:
    children = Children(1, hard_limit=60)
    try:
        pid = await children.run(os.getpid)
        working = asyncio.create_task(children.run(math.factorial, 5_000_000))
        await asyncio.sleep(0.3)  # it has to have begun, and cannot say so
        working.cancel()
        await until(lambda: not is_alive(pid))
        assert await children.run(os.getpid) != pid
    finally:
        await children.close()


async def test_an_idle_child_that_was_killed_is_replaced() -> None:
    children = Children(1, hard_limit=60)
    try:
        pid = await children.run(os.getpid)
        os.kill(pid, signal.SIGKILL)

        async def works() -> bool:
            try:
                await children.run(abs, -1)
            except (ChildDied, RuntimeError):
                return False
            return True

        await until(works)
        assert await children.run(os.getpid) != pid
    finally:
        await children.close()


async def test_what_never_ends_is_ended() -> None:
    children = Children(1, hard_limit=0.3)
    try:
        with pytest.raises(HardTimeLimit):
            await children.run(math.factorial, 5_000_000)
    finally:
        await children.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of this")
async def test_a_child_at_work_ends_with_a_parent_that_is_killed(script: Path) -> None:
    parent = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(Path.cwd()), "PATH": os.environ["PATH"]},
        text=True,
    )
    try:
        assert parent.stdout is not None
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        assert is_alive(pid)
    finally:
        parent.kill()
        await asyncio.to_thread(parent.communicate)

    await until(lambda: not is_alive(pid))
