"""Turn functions into idempotent, transactional event handlers.

A service hears through one durable queue. Events about the same subject are handled one after the
other, in the order they came; those of different subjects side by side. What fails because
something is away is tried until it is back; what fails by itself is tried MAX_ATTEMPTS times and
then parked, with a reason, where it can be listed and redriven.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from libs.common.bus.protocol import Bus, Delivery, Poison, Subscription
from libs.common.db.uow import UnitOfWork
from libs.common.errors import AppError, DeadlineExceeded, Unavailable
from libs.common.events import Envelope, Event
from libs.common.logging import get_logger
from libs.common.telemetry import EVENTS_HANDLED, span

log = get_logger(__name__)

E = TypeVar("E", bound=Event)
Handler = Callable[..., Awaitable[None]]
Fetch = Callable[..., Awaitable[Any]]

MAX_ATTEMPTS = 5
PREFETCH = 10
"""Half of a service's database connections: the other half is for who waits for an answer."""
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Hearing:
    event: type[Event]
    handler: Handler
    fetch: Fetch | None
    when: Callable[[Any], bool] | None
    needs: type | None


class Consumer:
    """What one service hears. Built in its `events.py`, started by its `app.py`.

    `tools` are what its handlers work with beside the transaction; to know the topics, none is
    needed.
    """

    def __init__(self, service: str, *tools: object) -> None:
        self.service = service
        self._tools = {type(tool): tool for tool in tools}
        self._hearings: dict[str, _Hearing] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def topics(self) -> list[str]:
        """The topics heard."""
        return sorted(self._hearings)

    def on(
        self,
        event: type[E],
        *,
        fetch: Fetch | None = None,
        when: Callable[[E], bool] | None = None,
        needs: type | None = None,
    ) -> Callable[[Handler], Handler]:
        """Register a handler `(event, tx)` of `event`.

        What has to be asked of a peer first is asked by `fetch(event)`, before the transaction
        opens; its answer is the handler's third argument. The tool of the type `needs` is one
        argument more: of `fetch` where there is one, else of the handler. Events for which
        `when(event)` is false are none of this service's business: they pass, and leave no row.
        """

        def register(handler: Handler) -> Handler:
            self._hearings[event.topic] = _Hearing(event, handler, fetch, when, needs)
            return handler

        return register

    async def declare(self, bus: Bus) -> None:
        """Make this service's queue exist, so that nothing said from now on is missed."""
        await bus.declare(self.service, self.topics, restricted=True)

    async def start(self, bus: Bus, uow: UnitOfWork) -> Subscription:
        """Hear until the subscription is cancelled. Raises TypeError when a tool is missing."""
        needed = {hearing.needs for hearing in self._hearings.values()} - {None}
        if missing := needed - self._tools.keys():
            raise TypeError(f"{self.service} hears with {missing}, and was given none")

        async def receive(delivery: Delivery) -> None:
            await self._receive(delivery, uow)

        return await bus.consume(self.service, receive, prefetch=PREFETCH)

    async def _receive(self, delivery: Delivery, uow: UnitOfWork) -> None:
        envelope, event, hearing = self._read(delivery)
        if hearing.when is not None and not hearing.when(event):
            EVENTS_HANDLED.labels(self.service, envelope.type, "passed").inc()
            return
        turn = self._turns[envelope.subject]
        try:
            async with turn:
                with span(f"hear {envelope.type}", parent=envelope.traceparent):
                    await self._until_done(envelope, event, hearing, uow)
        finally:
            if not turn.locked() and not getattr(turn, "_waiters", None):
                self._turns.pop(envelope.subject, None)

    def _read(self, delivery: Delivery) -> tuple[Envelope, Event, _Hearing]:
        try:
            envelope = Envelope.model_validate_json(delivery.message.body)
        except ValidationError:
            raise self._poison("unknown", "MALFORMED_EVENT") from None
        hearing = self._hearings.get(envelope.type)
        if hearing is None:
            raise self._poison("unknown", "UNKNOWN_EVENT")
        try:
            return envelope, hearing.event.model_validate(envelope.data), hearing
        except ValidationError:
            raise self._poison(envelope.type, "INVALID_EVENT") from None

    async def _until_done(
        self, envelope: Envelope, event: Event, hearing: _Hearing, uow: UnitOfWork
    ) -> None:
        failures = tries = 0
        while True:
            try:
                done = await self._handle(envelope, event, hearing, uow)
            except (Unavailable, DeadlineExceeded) as error:
                tries += 1
                self._say(envelope, "waiting", attempt=tries, code=error.code)
            except Exception as error:
                tries += 1
                failures += 1
                if failures >= MAX_ATTEMPTS:
                    log.exception("event.parked", topic=envelope.type, event_id=envelope.id)
                    raise self._poison(envelope.type, _reason(error)) from error
                self._say(envelope, "retrying", attempt=tries, code=_reason(error))
            else:
                outcome = "handled" if done else "repeated"
                EVENTS_HANDLED.labels(self.service, envelope.type, outcome).inc()
                return
            pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(tries, 10))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter

    async def _handle(
        self, envelope: Envelope, event: Event, hearing: _Hearing, uow: UnitOfWork
    ) -> bool:
        given = () if hearing.needs is None else (self._tools[hearing.needs],)
        if hearing.fetch is not None:
            given = (await hearing.fetch(event, *given),)
        async with uow.begin(restricted=envelope.restricted) as tx:
            tx.heard = envelope
            if not await tx.first_time(self.service, envelope.id):
                return False
            await hearing.handler(event, tx, *given)
        return True

    def _poison(self, topic: str, reason: str) -> Poison:
        EVENTS_HANDLED.labels(self.service, topic, "parked").inc()
        return Poison(reason)

    def _say(self, envelope: Envelope, what: str, *, attempt: int, code: str) -> None:
        log.warning(
            "event.postponed",
            reason=what,
            service=self.service,
            topic=envelope.type,
            event_id=envelope.id,
            attempt=attempt,
            code=code,
        )


def _reason(error: Exception) -> str:
    return error.code if isinstance(error, AppError) else type(error).__name__
