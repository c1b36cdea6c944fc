"""A service: its database, bus, keys and peers, opened once, and the app made of its routes.

This is what every `app.py` begins with:

    service = Service.open("grievance", settings, ground=GROUND, bus=bus)
    return service.app(routers=[…], consumer=hears(…))
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi import APIRouter, FastAPI

from libs.common.bus.protocol import Bus
from libs.common.cache import Cache, open_cache
from libs.common.crypto.keyring import CannotOpen, Keyring, KeyringError
from libs.common.db import idempotency
from libs.common.db.base import Ground
from libs.common.db.engine import Database
from libs.common.db.migrations import check_head, migrate
from libs.common.db.uow import UnitOfWork
from libs.common.errors import AppError
from libs.common.logging import get_logger
from libs.common.messaging.consumer import Consumer
from libs.common.messaging.relay import Relay
from libs.common.messaging.rounds import Round
from libs.common.revocations import Revocations
from libs.common.settings import ServiceSettings
from libs.common.tokens import PublicKeys, Signer, Verifier
from libs.common.web.client import ServiceClient
from libs.common.web.context import Surroundings
from libs.common.web.errors import install_error_handlers
from libs.common.web.feed import feed_routes
from libs.common.web.guard import Guard
from libs.common.web.health import VERSION, Readiness, health_routes
from libs.common.web.responses import REFUSALS
from libs.common.web.revoking import DEADLINE_SECONDS, Revoking, Source, of_users
from libs.common.web.routing import RouteTable

log = get_logger(__name__)

Background = Callable[[], Coroutine[Any, Any, None]]
RETRY_SECONDS = 1.0
TIDY_SECONDS = 600.0
CANCEL_AGAIN_SECONDS = 12.0


@dataclass
class Service:
    """What one program of ours holds open while it runs."""

    name: str
    settings: ServiceSettings
    database: Database
    uow: UnitOfWork
    bus: Bus
    cache: Cache
    keys: PublicKeys
    signer: Signer
    verifier: Verifier
    revoked: Revocations
    http: httpx2.AsyncClient
    readiness: Readiness = field(init=False)

    def __post_init__(self) -> None:
        self.readiness = Readiness(
            {"database": self.database.ping, "bus": self.bus.ping, "cache": self.cache.ping}
        )

    @classmethod
    def open(
        cls,
        name: str,
        settings: ServiceSettings,
        *,
        ground: Ground,
        bus: Bus,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> "Service":
        """Open what the service `name` needs. Raises KeyringError.

        `transport` carries calls to peers; without one, they go over the network.
        """
        shared = settings.shared
        database = Database(settings.database(name), schema=name, pool_size=settings.pool_size)
        keys = PublicKeys(shared.keys)
        redis = shared.redis_url.get_secret_value() if shared.redis_url else None
        revoked = Revocations()
        return cls(
            name=name,
            settings=settings,
            database=database,
            uow=UnitOfWork(
                database, service=name, ground=ground, keys=open_keyring(settings).of(name)
            ),
            bus=bus,
            cache=open_cache(redis, prefix=f"{shared.redis_prefix}{name}:"),
            keys=keys,
            signer=Signer.at(name, shared.keys),
            verifier=Verifier(keys, name, revoked=revoked),
            revoked=revoked,
            http=httpx2.AsyncClient(
                transport=transport, limits=httpx2.Limits(max_connections=50), trust_env=False
            ),
        )

    def peer(self, name: str, *, seconds: float | None = None) -> ServiceClient:
        """The client for a peer, where the settings say it is."""
        shared = self.settings.shared
        url = shared.peers.get(name, f"http://{name}:8000")
        seconds = seconds or shared.internal_deadline
        return ServiceClient(name, self.http, url, self.signer, seconds=seconds)

    def revoking(self, source: Source | None = None) -> Revoking:
        """What keeps up with ended sessions: by asking users, or `source`."""
        users = self.peer("users", seconds=DEADLINE_SECONDS)
        return Revoking(self.revoked, source or of_users(users))

    def round(self, name: str, work: Callable[[], Any], *, seconds: float) -> Background:
        """Work to be done every `seconds` by one replica."""
        return Round(self.uow, name, work, seconds=seconds).run

    def app(
        self,
        *,
        routers: Sequence[APIRouter],
        consumer: Consumer | None = None,
        background: Sequence[Background] = (),
        title: str | None = None,
        state: dict[str, Any] | None = None,
        prepare: Callable[[], Coroutine[Any, Any, None]] | None = None,
        revoking: Revoking | None = None,
    ) -> FastAPI:
        """The app of `routers`, which hears with `consumer` and keeps `background` going.

        Who is signed out is asked of users, or found out by `revoking`.
        `prepare` runs once the schema is there and before anything else.
        """

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            works = [(revoking or self.revoking()).run, *background]
            async with self._running(consumer, works, prepare):
                yield

        app = FastAPI(
            title=title or f"Redress {self.name}",
            version=VERSION,
            lifespan=lifespan,
            redirect_slashes=False,
            responses=REFUSALS,
            strict_content_type=False,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
        )
        probes = health_routes(self.readiness, needed=frozenset({"database"}))
        everything = [*routers, feed_routes(self.uow), probes]
        for each in everything:
            app.include_router(each)
        table = RouteTable.of(everything)
        app.state.table = table
        app.state.uow = self.uow
        app.state.service = self
        for name, value in (state or {}).items():
            setattr(app.state, name, value)
        install_error_handlers(app)
        app.add_middleware(Guard, table=table, verifier=self.verifier)
        app.add_middleware(Surroundings, service=self.name)
        return app

    @asynccontextmanager
    async def _running(
        self,
        consumer: Consumer | None,
        background: Sequence[Background],
        prepare: Callable[[], Coroutine[Any, Any, None]] | None,
    ) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.database.close)
            stack.push_async_callback(self.cache.close)
            stack.push_async_callback(self.http.aclose)
            await self._prepare()
            if prepare:
                await prepare()
            await self.bus.start()
            relay = Relay(self.uow, self.bus)
            stack.push_async_callback(relay.drain)
            housekeeping = self.round("housekeeping", self._forget_replies, seconds=TIDY_SECONDS)
            declared = asyncio.Event()

            async def tell() -> None:
                # What we hear ourselves has a queue before the first of it is said.
                await declared.wait()
                await relay.run()

            works = [tell, housekeeping, *background]
            if consumer:
                works.append(lambda: self._hear(consumer, declared))
            else:
                declared.set()
                self.readiness.is_started = True
            tasks = [asyncio.create_task(_kept(work)) for work in works]
            stack.push_async_callback(_end, tasks)
            yield
            self.readiness.is_leaving = True

    async def _prepare(self) -> None:
        if self.settings.shared.is_embedded:
            await migrate(self.database, self.name)
        else:
            await check_head(self.database, self.name)
        try:
            await self.uow.check_keyring()
        except CannotOpen:
            raise KeyringError(
                f"The keyring in {self.settings.shared.keys} is not the one the data of "
                f"{self.name} was written with. Put the right one there; nothing was changed."
            ) from None

    async def _forget_replies(self) -> None:
        async with self.uow.begin() as tx:
            await idempotency.forget(tx.session, self.uow.ground)

    async def _hear(self, consumer: Consumer, declared: asyncio.Event) -> None:
        """Declare the queue and hear, as soon as the bus lets us; until cancelled."""
        while True:
            try:
                await consumer.declare(self.bus)
                declared.set()
                subscription = await consumer.start(self.bus, self.uow)
                break
            except AppError as error:
                log.warning("consumer.waiting", service=self.name, code=error.code)
                await asyncio.sleep(RETRY_SECONDS)
        self.readiness.is_started = True
        try:
            await asyncio.Event().wait()
        finally:
            await subscription.cancel()


def open_keyring(settings: ServiceSettings) -> Keyring:
    """The installation's keyring; a first embedded start makes one. Raises KeyringError."""
    path = settings.shared.keys / "keyring.json"
    if settings.shared.is_embedded and not path.exists():
        if any(settings.shared.data_dir.glob("*.db")):
            raise KeyringError(
                f"There is data in {settings.shared.data_dir}, and no keyring at {path} to read it "
                "with. Put it back; nothing was changed."
            )
        return Keyring.create(path)
    return Keyring.load(path)


async def _kept(work: Background) -> None:
    """Run `work` until it ends; what it did not foresee is logged, and it begins again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("background.failed")
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel `tasks` until they end: a driver may take a cancellation for its own timeout.

    A subscription waits for receivers at work, up to ten seconds: that long nobody is asked again.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
