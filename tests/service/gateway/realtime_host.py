"""Replicas of the real-time part alone: a real server each, in front of owners that are played."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import socketio  # type: ignore[import-untyped]
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from libs.common.bus.protocol import Bus, Message
from libs.common.events import Envelope, Event
from libs.common.permissions import API_SCOPES
from libs.common.principal import Role
from libs.common.settings import SERVICES
from libs.common.testing.stage import until
from libs.common.tokens import PublicKeys, Signer, Verifier
from libs.common.web.client import ServiceClient
from libs.common.web.context import Surroundings
from libs.common.web.errors import install_error_handlers
from libs.common.web.guard import Guard
from libs.common.web.routing import RouteTable
from services.gateway.clients import UsersClient, open_http
from services.gateway.clients.owners import Owners, Tickets
from services.gateway.domain.exchanging import KeyExchange
from services.gateway.domain.rooms import OWNERS, Limits
from services.gateway.realtime import Realtime
from services.gateway.routes import stream
from tests.service.gateway.conftest import Asked, Upstream, read_all, say, serving

CASE, OTHER_CASE = "GRV-2026-7K3MQX-4", "GRV-2026-ABCDEF-1"
TALK = "019bd4c0-0000-7000-8000-000000000001"
SUMMARY = "Dust from the road works"
KEY = "rdr_live_0a1b2c3d_" + "x" * 32


@dataclass
class Played:
    """What the owners know: who may watch what, and the words that events do not carry."""

    verifier: Verifier
    may: set[tuple[str, str]] = field(default_factory=set)
    tickets: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_away: bool = False
    is_gone: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    key_token: str | None = None
    networks: tuple[str, ...] = ()
    more_text: str = ""

    def __post_init__(self) -> None:
        self.gate.set()

    def lets(self, who: str, *ids: str) -> None:
        self.may.update((who, each) for each in ids)

    async def __call__(self, asked: Asked, receive: Receive, send: Send) -> None:
        await read_all(asked, receive)
        await self.gate.wait()
        self.asked.append(asked.scope["path"])
        if self.is_away:
            await say(send, status=503)
            return
        found = None if self.is_gone else self._answer(asked)
        if found is None:
            is_exchange = "exchange" in asked.scope["path"]
            code = "INVALID_API_KEY" if is_exchange else "NOT_FOUND"
            error: dict[str, Any] = {
                "code": code,
                "message": "no",
                "details": {},
                "request_id": None,
            }
            body = json.dumps({"status": "error", "error": error}).encode()
            await say(send, body, status=401 if is_exchange else 404)
            return
        await say(send, json.dumps({"status": "success", "data": found}).encode())

    def _answer(self, asked: Asked) -> dict[str, Any] | None:
        match asked.scope["path"].split("/")[2:]:
            case ["watch", id]:
                who = self.verifier.verify(asked.headers["x-on-behalf-of"]).id
                return {"id": id} if (who, id) in self.may else None
            case ["watch", _, "summary"]:
                return {"summary": SUMMARY}
            case ["watch", _, "messages", message_id]:
                return {
                    "id": message_id,
                    "sender": "bot",
                    "text": f"text of {message_id}{self.more_text}",
                }
            case ["tickets", "exchange"]:
                token = self.tickets.pop(json.loads(asked.body)["ticket"], None)
                return {"access_token": token, "expires_in": 900} if token else None
            case ["api-keys", "exchange"]:
                return self._exchanged() if self.key_token else None
        return None

    def _exchanged(self) -> dict[str, Any]:
        token = {"access_token": self.key_token, "expires_in": 300, "key_id": "k-1"}
        return {**token, "allowed_addresses": self.networks}


@dataclass
class Heard:
    """A client, and all it was told."""

    client: Any
    events: list[tuple[str, Any]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, event: str, *given: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self.client.call(event, given, timeout=10)
        return answer

    async def subscribe(self, kind: str, name: str) -> dict[str, Any]:
        return await self.ask("subscribe", kind, name)

    def told(self, event: str) -> list[Any]:
        return [data for name, data in self.events if name == event]


@dataclass
class Replica:
    """One gateway, as far as real time goes."""

    realtime: Realtime
    port: int
    users: Signer
    stack: AsyncExitStack

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, who: str = "guest:1", role: Role = Role.GUEST, **more: Any) -> str:
        return self.users.sign(who, role, **{"scopes": API_SCOPES, **more})

    def http(self, token: str | None = None, **headers: str) -> httpx2.AsyncClient:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=20, trust_env=False)

    async def connect(
        self,
        token: Any,
        *,
        transport: str = "websocket",
        headers: dict[str, str] | None = None,
        again: bool = False,
        **more: Any,
    ) -> Heard:
        """A client of python-socketio's. Raises socketio.exceptions.ConnectionError."""
        client = socketio.AsyncClient(reconnection=again, reconnection_delay=0.05, **more)
        self.stack.push_async_callback(finish, client)
        heard = Heard(client)

        async def hear(event: str, *data: Any) -> None:
            heard.events.append((event, data[0] if data else None))

        async def leave(*_: Any) -> None:
            heard.left.set()

        client.on("*", hear)
        client.on("disconnect", leave)
        auth = token if token is None or callable(token) or isinstance(token, dict) else None
        if isinstance(token, str):
            auth = {"token": token}
        await client.connect(
            self.url, auth=auth, transports=[transport], headers=headers or {}, wait_timeout=10
        )
        return heard

    @asynccontextmanager
    async def session(self, token: str) -> AsyncIterator["Session"]:
        """A client of a few lines over polling, which does only what it is told."""
        async with self.http() as http:
            opened = await http.get("/socket.io/?EIO=4&transport=polling")
            sid = json.loads(opened.text[1:])["sid"]
            session = Session(http, f"/socket.io/?EIO=4&transport=polling&sid={sid}")
            await session.post("40" + json.dumps({"token": token}))
            assert (await session.poll()).startswith("40")
            yield session

    async def hear(self, event: Event, **more: Any) -> Envelope:
        """Hand over the broadcast copy of an event."""
        envelope = Envelope.of(event, source="test", **more)
        await self.realtime.hear(message_of(envelope))
        return envelope


@dataclass
class Session:
    """A session of Engine.IO."""

    http: httpx2.AsyncClient
    path: str

    async def post(self, packets: str) -> int:
        """Send; 0 when it was refused, and the connection closed, before all was sent."""
        try:
            return (await self.http.post(self.path, content=packets.encode())).status_code
        except httpx2.ReadError:
            return 0

    async def poll(self) -> str:
        return (await self.http.get(self.path)).text


async def finish(client: Any) -> None:
    """End a client, also one that never connected."""
    await client.shutdown()
    if client.eio.http and not client.eio.http.closed:
        await client.eio.http.close()


def message_of(envelope: Envelope) -> Message:
    return Message(envelope.id, envelope.type, envelope.to_bytes(), envelope.restricted)


def app_of(realtime: Realtime, verifier: Verifier) -> Any:
    """What the gateway does with the two paths, and nothing else."""
    own = FastAPI(openapi_url=None)
    own.include_router(stream.routes)
    own.state.realtime = realtime
    install_error_handlers(own)
    own.add_middleware(Guard, table=RouteTable.of([stream.routes]), verifier=verifier)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = realtime if scope["path"].startswith("/socket.io") else own
        await chosen(scope, receive, send)

    return Surroundings(app, service="gateway")


@dataclass
class Hall:
    """The owners, and the replicas in front of them."""

    played: Played
    keys: Path
    peers: dict[str, str]
    stack: AsyncExitStack

    async def replica(
        self, *, bus: Bus | None = None, limits: Limits | None = None, **more: Any
    ) -> Replica:
        """Open one more gateway; on a `bus` it hears the broadcast."""
        signer = Signer.at("gateway", self.keys)
        verifier = Verifier(PublicKeys(self.keys), "gateway")
        http = open_http()
        self.stack.push_async_callback(http.aclose)
        clients = {
            name: ServiceClient(name, http, self.peers[name], signer, seconds=2.0)
            for name in SERVICES
        }
        realtime = Realtime(
            verifier=verifier,
            keys=KeyExchange(UsersClient(clients["users"])),
            owners=Owners({kind: clients[name] for kind, name in OWNERS.items()}),
            tickets=Tickets(clients["users"]),
            bus=bus,
            limits=limits or Limits(),
            **more,
        )
        port = await self.stack.enter_async_context(serving(app_of(realtime, verifier)))
        self.stack.push_async_callback(realtime.close)
        if bus:
            await bus.start()
            subscription = await bus.broadcast(realtime.hear)
            self.stack.push_async_callback(subscription.cancel)
        return Replica(realtime, port, Signer.at("users", self.keys), self.stack)


@asynccontextmanager
async def hall_at(folder: Path) -> AsyncIterator[Hall]:
    """Owners on loopback, and room for replicas; everything ends with the block."""
    keys = folder / "keys"
    for name in ("users", "gateway"):
        Signer.at(name, keys)
    played = Played(Verifier(PublicKeys(keys), "grievance"))
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving(Upstream(play=played)))
        peers = dict.fromkeys(SERVICES, f"http://127.0.0.1:{port}")
        yield Hall(played, keys, peers, stack)
    gc.collect()  # what the client library leaves unclosed is told of here, and not elsewhere


async def settled(fact: Callable[[], Any]) -> None:
    await until(fact, seconds=10)
