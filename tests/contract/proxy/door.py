"""The gateway under test. This file alone knows how it is built and served."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from libs.common.clock import utc_now
from libs.common.principal import Role
from libs.common.revocations import RevocationPage
from libs.common.settings import SERVICES, SharedSettings
from libs.common.tokens import Signer
from libs.common.web.serving import Server, bind
from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from tests.contract.proxy.messages import Message, read_answer
from tests.contract.proxy.wire import Wire

KIB = 1024
MIB = 1024 * KIB
QUICK_SECONDS = 0.3
BODY_SECONDS = 0.3


def row(
    methods: str,
    path: str,
    permission: str = "case:read",
    *,
    body: int = 4 * MIB,
    seconds: float = 5.0,
    **more: Any,
) -> dict[str, Any]:
    """A line of the access table."""
    access = {
        "permission": permission, "body": body, "seconds": seconds, "form": False,
        "media": "application/octet-stream", **more,
    }  # fmt: skip
    return {"service": "grievance", "methods": methods.split(), "path": path, "access": access}


TABLE = [
    row("GET POST PUT PATCH DELETE", "/things"),
    row("GET POST PUT PATCH DELETE", "/things/{thing_id}"),
    row("GET", "/api/v1/cases/{case_id}"),
    row("GET", "/kept/{path:path}"),
    row("GET POST PUT", "/large", body=1024 * MIB, seconds=50.0),
    row("GET POST", "/quick", seconds=QUICK_SECONDS),
    row("POST", "/small", body=KIB),
    row("GET POST", "/open", "public"),
    row("GET", "/events", seconds=QUICK_SECONDS, limit="held"),
    row("GET", "/socket", seconds=QUICK_SECONDS, limit="held", websocket=True),
]


async def _nobody(since: datetime | None, cursor: str | None) -> RevocationPage:
    return RevocationPage(items=[], as_of=utc_now())


@asynccontextmanager
async def open_gateway(folder: Path, upstream_port: int, **settings: Any) -> AsyncIterator[int]:
    """The gateway on a port of its own, with `TABLE`, in front of one service; ends with the block.

    `folder` keeps its keys: whoever signs with the `users` key there is believed.
    """
    table = folder / "access.json"
    table.write_text(json.dumps(TABLE))
    peers = dict.fromkeys(SERVICES, f"http://127.0.0.1:{upstream_port}")
    shared = SharedSettings(
        data_dir=folder, keys_dir=folder / "keys", peers=peers, internal_deadline=1.0
    )
    Signer.at("users", folder / "keys")
    given: dict[str, Any] = {
        "access_file": table,
        "api_docs": folder / "api",
        "body_seconds": BODY_SECONDS,
        "rate_limits": False,
    }
    gateway = create_app(GatewaySettings(shared=shared, **(given | settings)), bus=None)
    # Users is asked all the time who has signed out; here that is not what is looked at.
    gateway.revoking._source = _nobody
    bound = bind("127.0.0.1", 0)
    server = Server(gateway.site(bound), shared)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    async with gateway.lifespan():
        await server.startup(sockets=[bound])
        await server.on_tick(0)  # sets the Date header
        try:
            yield bound.getsockname()[1]
        finally:
            await _end(server)


async def _end(server: Server) -> None:
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    if server.server_state.tasks:
        _, left = await asyncio.wait(server.server_state.tasks, timeout=0.5)
        for task in left:
            task.cancel()


@dataclass
class Door:
    """The gateway, open, and the clients at it."""

    port: int
    token: str
    wires: list[Wire] = field(default_factory=list)

    @classmethod
    def at(cls, port: int, folder: Path) -> "Door":
        signer = Signer.at("users", folder / "keys")
        return cls(port, signer.sign("admin-1", Role.SUPER_ADMIN))

    @property
    def auth(self) -> str:
        return f"Authorization: Bearer {self.token}"

    def head(
        self, method: str, target: str, *lines: str, stranger: bool = False, version: str = "1.1"
    ) -> bytes:
        """The head of a request, spelled out."""
        auth = [] if stranger else [self.auth]
        all_lines = [f"{method} {target} HTTP/{version}", "Host: test", *auth, *lines, "", ""]
        return "\r\n".join(all_lines).encode("latin-1")

    async def connect(self, *, buffers: int | None = None) -> Wire:
        """A new client."""
        wire = await Wire.to(self.port, buffers=buffers)
        self.wires.append(wire)
        return wire

    async def ask(self, method: str, target: str, *lines: str, body: bytes = b"") -> Message:
        """One request of a new client, and its answer."""
        length = [f"Content-Length: {len(body)}"] if body or method in {"POST", "PUT"} else []
        return await self.say(self.head(method, target, *length, *lines) + body, method)

    async def say(self, request: bytes, method: str = "GET") -> Message:
        """The first answer to these bytes, to a new client."""
        wire = await self.connect()
        await wire.send(request)
        return await read_answer(wire, method)

    def close(self) -> None:
        for wire in self.wires:
            wire.close()
