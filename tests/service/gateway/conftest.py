"""The gateway as it runs: a real server on loopback, in front of small real servers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.common.clock import utc_now
from libs.common.permissions import API_SCOPES
from libs.common.principal import Role
from libs.common.settings import SERVICES, SharedSettings
from libs.common.tokens import Signer
from libs.common.web.serving import Server, Site, bind
from services.gateway.app import Gateway, create_app
from services.gateway.settings import GatewaySettings

MIB = 1024 * 1024
NOWHERE = "http://127.0.0.1:9"
EXCHANGE = "/internal/api-keys/exchange"
REVOCATIONS = "/internal/revocations"


@dataclass
class Asked:
    """A request as it came to a service."""

    scope: Scope
    body: bytes = b""

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode("latin-1") for name, value in self.scope["headers"]}

    @property
    def target(self) -> str:
        """The path as it was spelled, and the query."""
        path, query = self.scope["raw_path"].decode(), self.scope["query_string"].decode()
        return f"{path}?{query}" if query else path


Play = Callable[[Asked, Receive, Send], Awaitable[None]]


async def say(
    send: Send, body: bytes = b"", *, status: int = 200, headers: dict[str, str] | None = None
) -> None:
    """Answer at once."""
    given = {"Content-Length": str(len(body)), **(headers or {})}
    head = [(name.encode(), value.encode()) for name, value in given.items()]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def begin(send: Send, headers: dict[str, str] | None = None) -> None:
    """Answer the head; the body comes in chunks."""
    head = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": 200, "headers": head})


async def go_on(send: Send, chunk: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": more})


async def read_all(asked: Asked, receive: Receive) -> None:
    while True:
        message = await receive()
        asked.body += message.get("body", b"")
        if not message.get("more_body", False):
            return


async def agree(asked: Asked, receive: Receive, send: Send) -> None:
    """What a service does unless a test says otherwise: read everything, say yes."""
    await read_all(asked, receive)
    if asked.scope["path"] == "/readyz":
        checks = {"database": True, "bus": True, "cache": True}
        await say(send, json.dumps({"status": "ready", "checks": checks}).encode())
        return
    await say(send, b'{"status":"success"}', headers={"Content-Type": "application/json"})


@dataclass
class Upstream:
    """A service, played."""

    play: Play = agree
    asked: list[Asked] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    """Whose tokens are refused. That is asked all the time, and is not among what was `asked`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope)
        if scope["path"] == REVOCATIONS:
            page = {"items": self.revoked, "as_of": utc_now().isoformat(), "next_cursor": None}
            await say(send, json.dumps({"status": "success", "data": page}).encode())
            return
        self.asked.append(asked)
        await self.play(asked, receive, send)


@dataclass
class Answer:
    """What came back over a bare socket."""

    text: bytes

    @property
    def status(self) -> int:
        return int(self.text.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.text.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        return self.text.partition(b"\r\n\r\n")[2]

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["error"]["code"])


@dataclass
class Door:
    """The gateway, open."""

    port: int
    front: Gateway
    signer: Signer
    gateway: Signer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, role: Role = Role.GUEST) -> str:
        return self.signer.sign(f"{role}:1", role, scopes=API_SCOPES)

    def client(self, role: Role | None = Role.GUEST, **headers: str) -> httpx2.AsyncClient:
        given = {} if role is None else {"Authorization": f"Bearer {self.token(role)}"}
        return httpx2.AsyncClient(
            base_url=self.url, headers={**given, **headers}, timeout=20, trust_env=False
        )

    def head(self, method: str, target: str, *lines: str, role: Role | None = Role.GUEST) -> bytes:
        """The head of a request, spelled out."""
        token = [f"Authorization: Bearer {self.token(role)}"] if role else []
        all_lines = [f"{method} {target} HTTP/1.1", "Host: test", *token, *lines, "", ""]
        return "\r\n".join(all_lines).encode("latin-1")

    async def raw(self, request: bytes, *, seconds: float = 10.0) -> Answer:
        """Send bytes, and read until the connection is closed."""
        async with asyncio.timeout(seconds), self.socket() as (reader, writer):
            writer.write(request)
            await writer.drain()
            return Answer(await reader.read())

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[int]:
    """Serve `app` as a process of ours would, but leave without goodbyes; answer the port."""
    bound = bind("127.0.0.1", 0)
    site = app.site(bound) if isinstance(app, Gateway) else Site(app, bound)
    server = Server(site, SharedSettings())
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[bound])
    await server.on_tick(0)  # sets the Date header
    try:
        yield site.port
    finally:
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await _ended(server.server_state.tasks)


async def _ended(tasks: set[asyncio.Task[None]]) -> None:
    """Wait for what was begun; what does not end by itself is ended."""
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=1)
        for task in left:
            task.cancel()


def entry(
    methods: str,
    path: str,
    permission: str = "case:read",
    *,
    body: int = MIB,
    seconds: float = 5.0,
    limit: str = "default",
    form: bool = False,
) -> dict[str, Any]:
    """A line of the access table."""
    access = {
        "permission": permission, "body": body, "seconds": seconds, "form": form,
        "limit": limit, "media": "application/octet-stream",
    }  # fmt: skip
    return {"service": "grievance", "methods": methods.split(), "path": path, "access": access}


TABLE = [
    entry("GET", "/things"),
    entry("POST", "/things", body=64 * MIB, seconds=20.0),
    entry("GET", "/things/{thing_id}"),
    entry("PUT", "/things/{thing_id}", "note:read"),
    entry("DELETE", "/things/{thing_id}", "task:list"),
    entry("GET", "/kept/{path:path}"),
    entry("POST", "/small", body=1024),
    entry("GET POST", "/quick", seconds=0.5),
    entry("GET POST", "/open", "public"),
    entry("POST", "/hook", "public", limit="webhook"),
    entry("POST", "/signing-in", "public", form=True),
    entry("POST", "/filed", limit="filing"),
    entry("GET", "/report", limit="export"),
]

OpenDoor = Callable[..., Awaitable[Door]]


@pytest.fixture
def upstream() -> Upstream:
    """The service behind every path of the table."""
    return Upstream()


@pytest.fixture
def users() -> Upstream:
    """The service that knows API keys."""
    return Upstream()


@pytest.fixture
async def peers(upstream: Upstream, users: Upstream) -> AsyncIterator[dict[str, str]]:
    """Where the services answer."""
    async with serving(upstream) as port, serving(users) as users_port:
        found = dict.fromkeys(SERVICES, f"http://127.0.0.1:{port}")
        yield {**found, "users": f"http://127.0.0.1:{users_port}"}


@pytest.fixture
async def open_door(tmp_path: Path, peers: dict[str, str]) -> AsyncIterator[OpenDoor]:
    """Open the gateway with the settings a test is about."""
    async with AsyncExitStack() as stack:

        async def opened(
            *,
            at: dict[str, str] | None = None,
            bus: Any = None,
            trace_ratio: float = 0.0,
            **more: Any,
        ) -> Door:
            table = tmp_path / "access.json"
            table.write_text(json.dumps(TABLE))
            common = SharedSettings(
                data_dir=tmp_path,
                peers=peers | (at or {}),
                internal_deadline=1.0,
                trace_ratio=trace_ratio,
            )
            signer, gateway = (Signer.at(name, common.keys) for name in ("users", "gateway"))
            given: dict[str, Any] = {
                "access_file": table,
                "api_docs": tmp_path / "api",
                "body_seconds": 0.5,
                "rate_limits": False,
            }
            settings = GatewaySettings(shared=common, **(given | more))
            front = create_app(settings, bus=bus)
            await stack.enter_async_context(front.lifespan())
            port = await stack.enter_async_context(serving(front))
            return Door(port, front, signer, gateway)

        yield opened


@pytest.fixture
async def door(open_door: OpenDoor) -> Door:
    return await open_door()


def with_key(
    token: str | None,
    *,
    key_id: str = "k-1",
    expires_in: int = 370,
    networks: tuple[str, ...] = (),
) -> Play:
    """What users answers to an exchange: a token, or that there is no such key."""
    data = {"key_id": key_id, "expires_in": expires_in, "allowed_addresses": networks}
    return partial(_exchange, token=token, data=data)


async def _exchange(
    asked: Asked, receive: Receive, send: Send, *, token: str | None, data: dict[str, Any]
) -> None:
    await read_all(asked, receive)
    if token is None:
        error: dict[str, Any] = {
            "code": "INVALID_API_KEY",
            "message": "no",
            "details": {},
            "request_id": None,
        }
        await say(send, json.dumps({"status": "error", "error": error}).encode(), status=401)
        return
    found = {"access_token": token, **data}
    await say(send, json.dumps({"status": "success", "data": found}).encode())
