"""A server process of our own: started on a free port, killed, frozen, restarted, thrown away."""

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

START_SECONDS = 60.0
STOP_SECONDS = 15.0
GONE_SECONDS = 10.0
PORTS = (20_000, 32_000)
PORT_TRIES = 100


class ServerMissing(Exception):
    """A server's binary is not installed."""

    def __init__(self, binary: str, package: str) -> None:
        super().__init__(f"{binary} is not installed: apt install {package}")


class ServerFailed(Exception):
    """A server did not start; the text ends with the end of its log."""


class PrivateServer(ABC):
    """One server process of our own, on a free port of the loopback interface."""

    variable: ClassVar[str]
    """The environment variable tests read its URL from."""
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="redress-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        end_orderly()
        atexit.register(self.stop)
        try:
            self._prepare()
            self._start()
        except BaseException:
            self.stop()
            raise

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it."""

    @property
    def pid(self) -> int:
        """The process to kill."""
        if self._process is None:
            raise ServerFailed(f"{type(self).__name__} is not running.")
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, to it and all it started; none of them is left afterwards."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, and nothing answers."""
        _send(tree(self.pid), signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        _send(tree(self.pid), signal.SIGCONT)

    def restart(self) -> None:
        """Start again on the same port and data, after stopping it if it still runs."""
        self._end(self.stop_signal)
        self._start()

    def stop(self) -> None:
        """End it, and remove its data."""
        atexit.unregister(self.stop)
        self._end(self.stop_signal)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None:
        """What is done once, before the first start."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...

    def _environment(self) -> Mapping[str, str]:
        return os.environ

    def _spawn(self, command: list[str], *, user: str | None = None) -> "subprocess.Popen[bytes]":
        # A session of its own: Ctrl-C is for the command under test, not for its servers.
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=dict(self._environment()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=[] if user else None,
            )

    def _start(self) -> None:
        self._process = self._spawn(self._command(), user=self._user())
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"{type(self).__name__} did not start:\n{self._log_tail()}")
            time.sleep(0.05)

    def _user(self) -> str | None:
        """Whom it runs as, when that is somebody else."""
        return None

    def _log_tail(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2_000:]

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        # All are named before the first is gone: orphans have no parent to be found by.
        family = set(tree(process.pid))
        if how != signal.SIGKILL:
            _send(family, signal.SIGCONT)
            process.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
                return
        process.send_signal(signal.SIGSTOP)  # who stands still starts nobody we do not know of
        family.update(tree(process.pid))
        _send(family, signal.SIGKILL)
        # Whoever still lives holds what a restart needs: PostgreSQL's children its shared memory.
        deadline = time.monotonic() + GONE_SECONDS
        while living(family) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.poll()


def end_orderly() -> None:
    """Let SIGTERM end this process as an exit does, so that no server outlives it."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, _: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: the servers are being stopped
    sys.exit(128 + number)


def free_port() -> int:
    """A port nobody listened on a moment ago, and the system gives no outgoing connection."""
    for _ in range(PORT_TRIES):
        port = random.randrange(*PORTS)  # noqa: S311 - any will do
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise ServerFailed("There is no free port.")


def answers(port: int, question: bytes) -> bytes:
    """The first byte of the answer; nothing when nobody answers."""
    with (
        suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
    ):
        connection.sendall(question)
        return connection.recv(1)
    return b""


def binary(name: str, package: str, *folders: Path) -> str:
    """Where a program is, in `folders` or on the PATH. Raises ServerMissing."""
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath)])
    path = os.pathsep.join([path, "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=path)
    if not found:
        raise ServerMissing(name, package)
    return found


def tree(pid: int) -> list[int]:
    """A process and all it started, itself first; PostgreSQL's are in groups of their own."""
    parents = [(int(child), int(parent)) for child, parent in _processes("pid=,ppid=")]
    family = [pid]
    for member in family:
        family.extend(child for child, parent in parents if parent == member)
    return family


def living(pids: Iterable[int]) -> set[int]:
    """Those of `pids` that still run: a zombie waits to be counted, and holds nothing."""
    running = {int(pid) for pid, state in _processes("pid=,stat=") if not state.startswith("Z")}
    return running.intersection(pids)


def _processes(columns: str) -> list[list[str]]:
    listing = subprocess.run(
        ["ps", "-A", "-o", columns], capture_output=True, text=True, check=True
    )
    return [line.split() for line in listing.stdout.splitlines()]


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
