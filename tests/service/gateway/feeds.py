"""Five logs and a door to read them by: what the tests of the feed stand on."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx2
from fastapi import FastAPI
from sqlalchemy import create_engine
from starlette.types import Receive, Scope, Send

from libs.common.crypto.keyring import Keyring
from libs.common.db.base import Ground, ground, service_metadata
from libs.common.db.engine import Database
from libs.common.db.uow import UnitOfWork
from libs.common.events import Envelope, Event
from libs.common.messaging.relay import Relay
from libs.common.principal import Role
from libs.common.tokens import PublicKeys, Signer, Verifier
from libs.common.web.client import ServiceClient
from libs.common.web.context import Surroundings
from libs.common.web.errors import install_error_handlers
from libs.common.web.feed import feed_routes
from libs.common.web.guard import Guard
from libs.common.web.routing import RouteTable
from services.gateway.clients.logs import LogsClient
from services.gateway.domain.feeding import LOGS, Feed, News
from services.gateway.routes.events import routes
from tests.contract.test_messaging import Courier, as_bus

EVENTS = "/api/v1/events"
METADATA = service_metadata()
GROUND: Ground = ground(METADATA)


class Walked(Event):
    topic: ClassVar[str] = "yeti.walked.v1"
    about: ClassVar[str] = "place"

    place: str
    step: int = 0


class Slept(Walked):
    topic: ClassVar[str] = "yeti.slept.v1"


@dataclass
class Teller:
    """A service: its log, and what stands between it and who reads."""

    name: str
    uow: UnitOfWork
    app: FastAPI
    is_away: bool = False
    hangs: bool = False
    asked: int = 0

    async def say(self, *events: Event, restricted: bool = False) -> None:
        async with self.uow.begin(restricted=restricted) as tx:
            for event in events:
                tx.publish(event)
        relay = Relay(self.uow, as_bus(Courier()))
        relay._renew_at = float("inf")
        await relay.drain()

    async def walk(self, *steps: int, place: str = "Namche") -> None:
        await self.say(*(Walked(place=place, step=step) for step in steps))


@dataclass
class House:
    """Five logs, and a door to read them by."""

    tellers: dict[str, Teller]
    signers: dict[str, Signer]
    news: News
    app: FastAPI
    refuses: int = 0
    """How often the door says 503 before it answers."""

    def __getitem__(self, name: str) -> Teller:
        return self.tellers[name]

    def token(self, role: Role, *scopes: str) -> str:
        return self.signers["users"].sign("key:1", role, scopes=scopes or ("events:read",))

    @property
    def key(self) -> str:
        return self.token(Role.API_CLIENT)

    def client(self, role: Role | None = Role.API_CLIENT, *scopes: str) -> httpx2.AsyncClient:
        token = self.token(role, *scopes) if role else None
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app),
            base_url="http://gateway",
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    async def page(self, **query: Any) -> dict[str, Any]:
        answer = await self.client().get(EVENTS, params=query)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def everything(self, **query: Any) -> list[Envelope]:
        """Read page by page to the end."""
        found: list[Any] = []
        while True:
            page = await self.page(**query)
            found += page["items"]
            if query.get("after") == page["next_cursor"]:
                return [Envelope.model_validate(each) for each in found]
            query["after"] = page["next_cursor"]

    async def with_key(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The door, which takes a token where a key is expected: exchanging is not the subject."""
        if self.refuses:
            self.refuses -= 1
            head = [(b"content-length", b"0"), (b"retry-after", b"0")]
            await send({"type": "http.response.start", "status": 503, "headers": head})
            await send({"type": "http.response.body"})
            return
        given = [(n, v) for n, v in scope["headers"] if n != b"x-api-key"]
        given += [(b"authorization", b"Bearer " + dict(scope["headers"])[b"x-api-key"])]
        await self.app({**scope, "headers": given}, receive, send)

    async def handle(self, request: httpx2.Request) -> httpx2.Response:
        teller = self.tellers[request.url.host]
        teller.asked += 1
        if teller.hangs:
            await asyncio.Event().wait()
        if teller.is_away:
            raise httpx2.ConnectError("away")
        return await httpx2.ASGITransport(teller.app).handle_async_request(request)


def steps(events: list[Any]) -> list[int]:
    return [
        each.data["step"] if isinstance(each, Envelope) else each["data"]["step"] for each in events
    ]


def built(router: Any, verifier: Verifier) -> FastAPI:
    """An app of ours around one router."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router)
    install_error_handlers(app)
    app.add_middleware(Guard, table=RouteTable.of([router]), verifier=verifier)
    app.add_middleware(Surroundings, service="gateway")
    return app


def make_log(path: Path) -> Path:
    """A database with the ground in it, to be copied."""
    engine = create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    engine.dispose()
    return path


async def open_house(tmp_path: Path, empty_log: Path) -> AsyncIterator[House]:
    """The house of a fixture."""
    signers = {name: Signer.at(name, tmp_path / "keys") for name in (*LOGS, "gateway")}
    keys = PublicKeys(tmp_path / "keys")
    keyring = Keyring.create(tmp_path / "keyring.json")
    news = News()
    front = built(routes, Verifier(keys, "gateway"))
    house = House({}, signers, news, front)
    async with AsyncExitStack() as stack:
        for name in LOGS:
            database = Database(f"sqlite+aiosqlite:///{tmp_path}/{name}.db", schema=name)
            shutil.copy(empty_log, tmp_path / f"{name}.db")
            stack.push_async_callback(database.close)
            await database.ping()  # SQLAlchemy loses a first connection that is cancelled
            uow = UnitOfWork(database, service=name, ground=GROUND, keys=keyring.of(name))
            app = built(feed_routes(uow), Verifier(keys, name))
            house.tellers[name] = Teller(name, uow, app)
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(house.handle))
        stack.push_async_callback(http.aclose)
        peers = {
            name: ServiceClient(name, http, f"http://{name}", signers["gateway"], seconds=3.0)
            for name in LOGS
        }
        front.state.feed = Feed(LogsClient(peers), news)
        yield house
