"""Processes of our own: started, killed, restarted, and ended whatever happens."""

import asyncio
import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx2

START_SECONDS = 60.0
STOP_SECONDS = 30.0
ROOT = Path(__file__).parents[2]


class DidNotStart(Exception):
    """A program did not get ready; the text ends with the end of its log."""


class Program:
    """`python -m services…` with its own environment and log, in a session of its own."""

    def __init__(self, module: str, folder: Path, env: Mapping[str, str], *args: str) -> None:
        self.name = module.rpartition(".")[2]
        self.log = folder / f"{self.name}.log"
        self._command = [sys.executable, "-m", module, *args]
        self._env = {**_bare(), **env}
        self._process: subprocess.Popen[bytes] | None = None
        self._sessions: list[int] = []
        atexit.register(self.end)

    @property
    def pid(self) -> int:
        """The process to look at."""
        if self._process is None:
            raise DidNotStart(f"{self.name} is not running")
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it stopped by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Begin, and do not wait."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._sessions.append(self._process.pid)

    def kill(self) -> None:
        """SIGKILL, to the program itself; its children have to notice."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it any other signal."""
        if self._process:
            self._process.send_signal(number)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)

    def end(self) -> None:
        """Leave nothing behind: it, and every child of every life it had."""
        atexit.unregister(self.end)
        self.kill()
        for session in self._sessions:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(session, signal.SIGKILL)
        self._sessions.clear()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3_000:] if self.log.exists() else ""


def run_once(module: str, env: Mapping[str, str], *args: str) -> None:
    """Run a command of a service to its end. Raises DidNotStart."""
    done = subprocess.run(
        [sys.executable, "-m", module, *args],
        cwd=ROOT,
        env={**_bare(), **env},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode:
        raise DidNotStart(f"{module} {' '.join(args)}:\n{done.stdout}{done.stderr}")


async def ready(programs: Sequence[Program], urls: Sequence[str]) -> float:
    """Wait until every url answers 200; how long it took."""
    began = time.monotonic()
    async with httpx2.AsyncClient(trust_env=False, timeout=2.0) as http:
        waiting = list(urls)
        while waiting:
            for program in programs:
                if program.has_ended:
                    raise DidNotStart(f"{program.name} ended:\n{program.tail()}")
            if time.monotonic() - began > START_SECONDS:
                tails = "\n".join(program.tail() for program in programs)
                raise DidNotStart(f"{waiting} did not answer:\n{tails}")
            waiting = [url for url in waiting if not await _answers(http, url)]
            await asyncio.sleep(0.05)
    return time.monotonic() - began


async def _answers(http: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


def _bare() -> dict[str, str]:
    """The environment without any setting of ours."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ}
