"""wrk, and what it found."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.gateway.cores import Cores, pinned
from libs.common.testing.private import binary

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT_SECONDS = 20
GRACE_SECONDS = 60
MARK = "RESULT "


class Spoiled(Exception):
    """Something was refused or broke; figures of failures are worth nothing."""


@dataclass(frozen=True)
class Result:
    """What one run of wrk saw; latencies in milliseconds."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


class Load:
    """Sends as many requests as are answered, each with the next of a thousand tokens."""

    def __init__(self, cores: Cores, tokens: Path) -> None:
        self.cores = cores
        self._tokens = tokens

    def run(self, url: str, *, connections: int, seconds: int, body: int | None = None) -> Result:
        """GET `url`, or POST `body` bytes to it. Raises Spoiled unless all answers are good."""
        command = [
            binary("wrk", "wrk"), "--threads", "1", "--connections", str(connections),
            "--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s",
            "--script", str(SCRIPT), url, "--", str(self._tokens),
        ]  # fmt: skip
        if body is not None:
            command.append(str(body))
        done = subprocess.run(
            pinned(self.cores.load, command),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + GRACE_SECONDS,
        )
        found = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
        if not found:
            raise Spoiled(f"wrk said nothing of {url}:\n{done.stdout}{done.stderr}")
        result = Result(**json.loads(found[0].removeprefix(MARK)))
        if result.refused or result.broken or not result.requests:
            raise Spoiled(
                f"{url}: {result.requests} answers, {result.refused} refusals,"
                f" {result.broken} broken"
            )
        return result
