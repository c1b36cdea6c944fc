"""The whole system as a user starts it: one process, its own folder, a free port."""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest

from libs.common.testing.stage import until

ROOT = Path(__file__).parents[2]
START_SECONDS = 40.0
OURS = {"PORT": "0", "GATEWAY_RATE_LIMITS": "false"}
"""Tests ask more in a minute than anybody; what is limited has tests of its own."""

UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nobody here speaks TLS, and a context for each client takes 20 ms to make."""

Start = Callable[..., Awaitable["System"]]


@dataclass
class System:
    """A running system, and clients for the people around it."""

    process: asyncio.subprocess.Process
    folder: Path
    url: str
    clients: list[httpx2.AsyncClient] = field(default_factory=list)
    known: dict[Path, str] = field(default_factory=dict)
    """The administrator's token, by the folder of the installation: a code is good once."""

    def client(
        self, token: str | None = None, *, address: str | None = None, **headers: str
    ) -> httpx2.AsyncClient:
        """A client for whoever holds `token`, at an `address` of the loopback network."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        way = httpx2.AsyncHTTPTransport(local_address=address, trust_env=False, verify=UNUSED)
        made = httpx2.AsyncClient(
            base_url=self.url, headers=headers, timeout=20, trust_env=False, transport=way
        )
        self.clients.append(made)
        return made

    async def guest(self) -> httpx2.AsyncClient:
        """Somebody nobody knows."""
        async with self.client() as client:
            answer = await client.post("/api/v1/auth/guest")
        return self.client(answer.json()["data"]["access_token"])

    async def signed_in(
        self, username: str, password: str, secret: str | None = None
    ) -> httpx2.AsyncClient:
        """A member of staff; whose role needs a second factor gets one on the way."""
        form = {"grant_type": "password", "username": username, "password": password}
        if secret:
            form["otp"] = pyotp.TOTP(secret).now()
        async with self.client() as client:
            answer = await client.post("/oauth/token", data=form)
        if answer.status_code == 403:
            return await self._enrolled(self.client(answer.json()["mfa_token"]))
        assert answer.status_code == 200, answer.text
        return self.client(answer.json()["access_token"])

    async def _enrolled(self, half: httpx2.AsyncClient) -> httpx2.AsyncClient:
        made = (await half.post("/api/v1/auth/mfa/totp")).json()["data"]
        code = {"code": pyotp.TOTP(made["secret"]).now()}
        answer = await half.post("/api/v1/auth/mfa/totp/confirm", json=code)
        assert answer.status_code == 200, answer.text
        return self.client(answer.json()["data"]["access_token"])

    async def admin(self) -> httpx2.AsyncClient:
        """The administrator made at first start."""
        if self.folder not in self.known:
            files = [self.folder / name for name in ("admin-password", "admin-totp")]
            password, secret = [file.read_text().strip() for file in files]
            client = await self.signed_in("admin", password, secret)
            self.known[self.folder] = client.headers["Authorization"].removeprefix("Bearer ")
        return self.client(self.known[self.folder])

    async def staff(self, role: str, phone: str) -> httpx2.AsyncClient:
        """A member of staff the administrator has just made."""
        body = {"name": f"Test {role}", "role": role, "phone_number": phone, "username": role}
        admin = await self.admin()
        made = (await admin.post("/api/v1/users", json=body)).json()["data"]
        return await self.signed_in(role, made["initial_password"])

    async def stop(self) -> int:
        """End it as Ctrl-C does; answer its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            return await self.process.wait()

    async def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        await self.process.wait()


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start the system on `folder`; what is left of it at the end is ended."""
    running: list[System] = []
    known: dict[Path, str] = {}

    async def start_it(folder: Path = tmp_path / "var", **environment: str) -> System:
        path = tmp_path / f"log-{len(running)}"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services", "--port", "0",
                cwd=ROOT,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **OURS, "REDRESS_DATA_DIR": str(folder), **environment},
            )  # fmt: skip
        system = System(process, folder, "", known=known)
        running.append(system)

        def said() -> str:
            return path.read_text()

        await until(
            lambda: "Redress is ready" in said() or process.returncode is not None,
            seconds=START_SECONDS,
        )
        assert process.returncode is None, said()
        [line] = [line for line in said().splitlines() if line.startswith("  API")]
        system.url = line.split()[1].removesuffix("/api/v1")
        return system

    yield start_it
    for system in running:
        for client in system.clients:
            await client.aclose()
        if system.process.returncode is None:
            await system.kill()


async def settled(fact: Callable[[], Awaitable[Any]]) -> Any:
    """What `fact` answers once it answers something."""
    found: list[Any] = []

    async def look() -> bool:
        answer = await fact()
        found[:] = [answer]
        return bool(answer)

    await until(look, seconds=20, every=0.05)
    return found[0]
