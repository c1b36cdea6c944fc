"""Our gateway as a front: the real program, every policy on, nothing of it ever refused."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.request import urlopen

from bench.gateway.cores import pinned
from bench.gateway.paths import DOWN, FILE_BYTES, HELLO, ROOT, SMALL, UP, Targets
from libs.common.permissions import Permission
from libs.common.settings import SERVICES
from libs.common.testing.private import PrivateServer, answers, free_port
from libs.common.web.auth import Access

FOREIGN = ("REDRESS_", "GATEWAY_", "PORT")
COUNTER = "redress_requests_total"
SCRAPE_SECONDS = 5
MANY = 1_000_000_000
POLICIES: dict[str, str] = {
    "GATEWAY_LIMITS": json.dumps(
        {"default": {"guest": MANY, "user": MANY}, "address": {"anyone": MANY}}
    ),
    "GATEWAY_ALLOWED_ORIGINS": json.dumps(["https://portal.example"]),
    "GATEWAY_ALLOWED_NETWORKS": json.dumps({"guest": ["127.0.0.0/8"], "admin": ["127.0.0.0/8"]}),
    "GATEWAY_ALLOWED_HOSTS": json.dumps(["127.0.0.1", "localhost"]),
}
"""Settings that switch on what is off by default, and set limits no bench reaches."""


class OurGateway(PrivateServer):
    """One process; its log, a line a request, is a file."""

    def __init__(self, core: int, targets: Targets, keys: Path, *profiler: str) -> None:
        self._core = core
        self._targets = targets
        self._keys = keys
        self._profiler = profiler
        self._admin_port = free_port()
        super().__init__()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def forget_log(self) -> None:
        """Give the disk back: what was logged so far is of no use."""
        os.truncate(self.folder / "log", 0)

    def lines_logged(self) -> int:
        """Lines of the log since it was last forgotten."""
        with (self.folder / "log").open("rb") as log:
            return sum(1 for _ in log)

    def observed(self) -> float:
        """Requests for small answers its metrics know of."""
        with urlopen(
            f"http://127.0.0.1:{self._admin_port}/metrics", timeout=SCRAPE_SECONDS
        ) as page:
            lines = page.read().decode().splitlines()
        counts = [line for line in lines if line.startswith(COUNTER) and f'"{SMALL}"' in line]
        return sum(float(line.rpartition(" ")[2]) for line in counts)

    def _prepare(self) -> None:
        table = [
            _entry("GET", SMALL, "grievance", Access(Permission.CASE_READ)),
            _entry("GET", DOWN, "grievance", Access(Permission.CASE_READ, seconds=30.0)),
            _entry("POST", UP, "files", _upload()),
        ]
        (self.folder / "access.json").write_text(json.dumps(table))

    def _environment(self) -> Mapping[str, str]:
        upstream, sink = (
            f"http://127.0.0.1:{port}" for port in (self._targets.upstream, self._targets.sink)
        )
        kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
        return kept | {
            "PYTHONPATH": str(ROOT),
            "REDRESS_DATA_DIR": str(self.folder / "var"),
            "REDRESS_KEYS_DIR": str(self._keys),
            "REDRESS_PORT": str(self.port),
            "REDRESS_ADMIN_PORT": str(self._admin_port),
            "REDRESS_PEERS": json.dumps(dict.fromkeys(SERVICES, upstream) | {"files": sink}),
            "REDRESS_LOG_FORMAT": "json",
            "GATEWAY_ACCESS_FILE": str(self.folder / "access.json"),
            "GATEWAY_API_DOCS": str(ROOT / "docs" / "api"),
            **POLICIES,
        }

    def _command(self) -> list[str]:
        python = [sys.executable, "-m", "bench.gateway.launcher", *self._profiler]
        return pinned(self._core, python)

    def _is_ready(self) -> bool:
        return answers(self.port, HELLO) == b"H"


def _upload() -> Access:
    return Access(
        Permission.FILE_WRITE,
        body=2 * FILE_BYTES,
        seconds=30.0,
        media="application/octet-stream",
    )


def _entry(method: str, path: str, service: str, access: Access) -> dict[str, object]:
    return {"service": service, "methods": [method], "path": path, "access": access.to_json()}
