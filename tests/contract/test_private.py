"""Servers of our own: killed as a whole family, as PostgreSQL's are, and started again."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from libs.common.testing.private import PrivateServer, answers, living, tree

CHILDREN = 4
PARENT = f"""
import fcntl, os, signal, socket, sys
told, tell = os.pipe()
for number in range({CHILDREN}):
    if not os.fork():
        os.setsid()
        lock = open(f"lock-{{number}}", "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.write(tell, b"!")
            os._exit(1)
        memory = b"x" * 64_000_000
        os.write(tell, b".")
        while True:
            signal.pause()
for number in range({CHILDREN}):
    if os.read(told, 1) != b".":
        sys.exit("a lock is held")
door = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    caller, _ = door.accept()
    caller.sendall(caller.recv(1))
    caller.close()
"""


class Family(PrivateServer):
    """Children in sessions of their own, each with a lock and so much memory that dying takes it a
    moment; a second family cannot start while one of the locks is held."""

    variable: ClassVar[str] = "TEST_FAMILY"

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        """Nothing."""

    def _command(self) -> list[str]:
        return [sys.executable, "-c", PARENT, str(self.port)]

    def _is_ready(self) -> bool:
        return answers(self.port, b"?") == b"?"

    def can_be_restarted(self) -> bool:
        """Whether nobody holds a lock."""
        for number in range(CHILDREN):
            with (self.folder / f"lock-{number}").open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
        return True


@pytest.fixture
def family() -> Iterator[Family]:
    with Family() as opened:
        yield opened
        opened.kill()


def _frozen(family: Family) -> None:
    family.freeze()
    family.kill()


@pytest.mark.parametrize("kill", [Family.kill, _frozen])
def test_a_killed_server_leaves_nobody_behind(
    family: Family, kill: Callable[[Family], None]
) -> None:
    members = tree(family.pid)
    assert not family.can_be_restarted()
    kill(family)

    assert len(members) == CHILDREN + 1
    assert living(members) == set()
    assert family.can_be_restarted()


def test_a_killed_server_starts_again_at_once(family: Family) -> None:
    first = family.pid
    family.kill()
    family.restart()

    assert family.pid != first
    assert family.can_be_restarted() is False


def test_a_zombie_is_not_among_the_living() -> None:
    """What runs this may not collect orphans: they hold nothing, and must not be waited for."""
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert living([child.pid, os.getpid()]) == {os.getpid()}
    child.wait()
