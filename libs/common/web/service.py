"""A service: its database, bus, keys and peers, opened once, and the app made of its routes.

This is what every `app.py` begins with:

    service = Service.open("grievance", settings, ground=GROUND, bus=bus)
    return service.app(routers=[…], consumer=hears(…))
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi import APIRouter, FastAPI

from libs.common.bus.protocol import Bus
from libs.common.cache import Cache, open_cache
from libs.common.crypto.keyring import Keyring, KeyringError
from libs.common.crypto.sealing import CannotOpen
from libs.common.db.base import Ground
from libs.common.db.engine import Database
from libs.common.db.uow import UnitOfWork
from libs.common.messaging.consumer import Consumer
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
from libs.common.web.retaining import (
    EVERY_SECONDS as RETAIN_SECONDS,
    Kept,
    Retaining,
    of_users as rules_of_users,
)
from libs.common.web.revoking import DEADLINE_SECONDS, Revoking, Source, of_users
from libs.common.web.routing import RouteTable
from libs.common.web.running import Background, running


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
        revoked = Revocations()
        return cls(
            name=name,
            settings=settings,
            database=database,
            uow=UnitOfWork(
                database, service=name, ground=ground, keys=open_keyring(settings).of(name)
            ),
            bus=bus,
            cache=open_cache(shared.redis, prefix=f"{shared.redis_prefix}{name}:"),
            keys=keys,
            signer=Signer.at(name, shared.keys),
            verifier=Verifier(keys, name, revoked=revoked),
            revoked=revoked,
            http=httpx2.AsyncClient(
                transport=transport, limits=httpx2.Limits(max_connections=50), trust_env=False
            ),
        )

    async def check_keyring(self, *, note: bool = True) -> None:
        """See that the data was written with this keyring. Raises KeyringError."""
        try:
            await self.uow.check_keyring(note=note)
        except CannotOpen:
            raise KeyringError(
                f"The keyring in {self.settings.shared.keys} is not the one the data of "
                f"{self.name} was written with. Put the right one there; nothing was changed."
            ) from None

    def peer(self, name: str, *, seconds: float | None = None) -> ServiceClient:
        """The client for a peer, where the settings say it is."""
        shared = self.settings.shared
        seconds = seconds or shared.internal_deadline
        return ServiceClient(name, self.http, shared.peer(name), self.signer, seconds=seconds)

    def revoking(self, source: Source | None = None) -> Revoking:
        """What keeps up with ended sessions: by asking users, or `source`."""
        users = self.peer("users", seconds=DEADLINE_SECONDS)
        return Revoking(self.revoked, source or of_users(users))

    def round(self, name: str, work: Callable[[], Any], *, seconds: float) -> Background:
        """Work to be done every `seconds` by one replica."""
        return Round(self.uow, name, work, seconds=seconds).run

    def retaining(self, *kept: Kept) -> Background:
        """What deletes each of these kinds when it was kept as long as users says."""
        work = Retaining(self.uow, rules_of_users(self.peer("users")), kept).go_round
        return self.round("retention", work, seconds=RETAIN_SECONDS)

    def app(
        self,
        *,
        routers: Sequence[APIRouter],
        consumer: Consumer | None = None,
        background: Sequence[Background] = (),
        title: str | None = None,
        state: dict[str, Any] | None = None,
        prepare: Background | None = None,
        revoking: Revoking | None = None,
    ) -> FastAPI:
        """The app of `routers`, which hears with `consumer` and keeps `background` going.

        Who is signed out is asked of users, or found out by `revoking`.
        `prepare` runs once the schema is there and before anything else.
        """

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            works = [(revoking or self.revoking()).run, *background]
            async with running(self, consumer, works, prepare):
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
