"""A stage for one service: the real app on a real database and bus, with its peers played.

Tests go through the door (`stage.client(role)`), say what other services would have said
(`await stage.say(event)`), and look at the facts (`await stage.said(Fact)`).
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
from fastapi import FastAPI
from sqlalchemy import func, select

from libs.common.bus.protocol import Bus, Message
from libs.common.clock import utc_now
from libs.common.db.uow import UnitOfWork
from libs.common.events import Envelope, Event
from libs.common.ids import new_id
from libs.common.permissions import API_SCOPES
from libs.common.principal import Role, Scope
from libs.common.tokens import Signer
from libs.common.web.service import Service

E = TypeVar("E", bound=Event)

PATIENCE_SECONDS = 10.0
REVOCATIONS = "/internal/revocations"
RULES = "/internal/retention-rules"


@dataclass
class Peers:
    """What the other services answer: `peers.answers["GET grievance /internal/…"] = {...}`.

    An answer is the `data` of a success, an `httpx2.Response`, or a function of the request.
    Unforeseen questions are answered 503, as a peer that is away would be. Which sessions were
    ended, and how long what is kept, is asked all the time: it is none and not said, and is not
    among what was `asked`.
    """

    answers: dict[str, Any] = field(
        default_factory=lambda: {f"GET users {REVOCATIONS}": _none, f"GET users {RULES}": []}
    )
    asked: list[httpx2.Request] = field(default_factory=list)

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path not in {REVOCATIONS, RULES}:
            self.asked.append(request)
        found = self.answers.get(f"{request.method} {request.url.host} {request.url.path}")
        if callable(found):
            found = found(request)
        if isinstance(found, httpx2.Response):
            return found
        if found is None:
            return httpx2.Response(503)
        if isinstance(found, bytes):
            return httpx2.Response(200, content=found)
        return httpx2.Response(200, json={"status": "success", "data": found, "message": None})


def _none(_: httpx2.Request) -> dict[str, Any]:
    return {"items": [], "as_of": utc_now().isoformat(), "next_cursor": None}


@dataclass
class Stage:
    """One service, lit."""

    app: FastAPI
    bus: Bus
    peers: Peers
    users: Signer
    """Signs what the users service would: tokens of people."""
    signers: dict[str, Signer]
    """Sign what the other services would: their own tokens."""

    @property
    def service(self) -> Service:
        """The service on stage."""
        found: Service = self.app.state.service
        return found

    @property
    def uow(self) -> UnitOfWork:
        """Its unit of work, to look at rows."""
        return self.service.uow

    def token(
        self,
        role: Role,
        subject: str | None = None,
        scope: Scope = Scope(),  # noqa: B008
        scopes: Iterable[str] | None = None,
    ) -> str:
        """A token for somebody of that role; a key without `scopes` was made for everything."""
        if scopes is None:
            scopes = API_SCOPES if role is Role.API_CLIENT else ()
        return self.users.sign(subject or f"{role.value}-1", role, scope=scope, scopes=scopes)

    def client(
        self,
        role: Role | None = None,
        subject: str | None = None,
        scope: Scope = Scope(),  # noqa: B008
        scopes: Iterable[str] | None = None,
    ) -> httpx2.AsyncClient:
        """A client that calls as `role`, or as nobody."""
        token = None if role is None else self.token(role, subject, scope, scopes)
        return self._client(token)

    def peer(self, name: str, *, for_token: str | None = None) -> httpx2.AsyncClient:
        """A client that calls as the service `name`, maybe on behalf of a person."""
        token = self.signers[name].sign_to(self.service.name)
        return self._client(token, {"X-On-Behalf-Of": for_token} if for_token else {})

    def _client(
        self, token: str | None, headers: dict[str, str] | None = None
    ) -> httpx2.AsyncClient:
        given = dict(headers or {})
        if token:
            given["Authorization"] = f"Bearer {token}"
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app), base_url="http://test", headers=given
        )

    async def say(self, event: Event, *, source: str = "test", restricted: bool = False) -> str:
        """Say `event` on the bus as another service would, and wait until it was handled."""
        envelope = Envelope.of(event, source=source, restricted=restricted)
        await self.publish(envelope)
        table = self.uow.ground.inbox
        heard = select(func.count()).select_from(table).where(table.c.event_id == envelope.id)

        async def handled() -> bool:
            async with self.uow.read() as tx:
                return bool(await tx.session.scalar(heard))

        await until(handled)
        return envelope.id

    async def publish(self, envelope: Envelope) -> None:
        """Put `envelope` on the bus, and do not wait."""
        message = Message(envelope.id, envelope.type, envelope.to_bytes(), envelope.restricted)
        await self.bus.publish([message])

    async def said(self, kind: type[E]) -> list[E]:
        """Every fact of `kind` this service has written down, oldest first."""
        return [kind.model_validate(envelope.data) for envelope in await self.envelopes(kind)]

    async def envelopes(self, kind: type[Event]) -> list[Envelope]:
        """The same, with what they travel in."""
        table = self.uow.ground.outbox
        query = select(table.c.envelope).where(table.c.topic == kind.topic).order_by(table.c.seq)
        async with self.uow.read() as tx:
            rows = list(await tx.session.scalars(query))
        return [Envelope.model_validate(json.loads(row)) for row in rows]


async def until(
    fact: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS, every: float = 0.01
) -> None:
    """Wait until `fact()` (or what it awaits) is true; fail the test when it stays false."""
    async with asyncio.timeout(seconds):
        while True:
            found = fact()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(every)


def unique(name: str) -> str:
    """A name nobody else has: for databases, prefixes and the like."""
    return f"{name}_{new_id().replace('-', '')[-12:]}"
