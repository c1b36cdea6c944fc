"""Unit of work: one transaction, the events it causes, and the reply it gives."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from libs.common.clock import utc_now
from libs.common.crypto.keyring import ServiceKeys
from libs.common.crypto.sealing import CannotOpen
from libs.common.db import idempotency
from libs.common.db.base import Ground
from libs.common.db.engine import Database
from libs.common.db.idempotency import Reply, Request
from libs.common.db.vault import Vault
from libs.common.db.writes import Row, insert_new, insert_rows
from libs.common.errors import Conflict, StaleVersion
from libs.common.events import Envelope, Event
from libs.common.telemetry import traceparent

_CHECK = "keyring-check"
"""How the rows are named that tell this installation's keyring; once it was the whole name."""


class Transaction:
    """An open transaction: a session to query with, a vault, and a way to say what happened."""

    def __init__(
        self, session: AsyncSession, uow: "UnitOfWork", *, request: Request | None, restricted: bool
    ) -> None:
        self.session = session
        self.vault = Vault(session, uow.ground, uow.keys, self._rows_append)
        self._uow = uow
        self._request = request
        self._restricted = restricted
        self._rows: list[Row] = []
        self._reply: Reply | None = None
        self.heard: Envelope | None = None
        """The fact this transaction handles, as it came; none when it handles none."""
        self.has_events = False

    @property
    def happened_at(self) -> datetime | None:
        """When the fact this transaction handles was written down."""
        return self.heard.time if self.heard else None

    @property
    def is_restricted(self) -> bool:
        """Whether what happens here must travel apart: it was caused by a restricted fact."""
        return self._restricted

    def insert(self, into: Table | type[Any], **values: Any) -> None:
        """Write this row when the transaction ends; every column it needs is spelled out.

        `into` is a table or a mapped class: this is the fast way in for both.
        """
        self._rows_append(Row(into if isinstance(into, Table) else into.__table__, values))

    def publish(self, event: Event, *, restricted: bool = False) -> None:
        """Say `event` if this transaction commits. What a restricted fact causes is restricted."""
        restricted = restricted or self._restricted
        envelope = Envelope.of(
            event, source=self._uow.service, restricted=restricted, traceparent=traceparent()
        )
        self.insert(
            self._uow.ground.outbox,
            event_id=envelope.id,
            topic=envelope.type,
            subject=envelope.subject,
            restricted=restricted,
            envelope=envelope.to_bytes().decode(),
            created_at=envelope.time,
        )
        self.has_events = True

    def answer(self, status: int, body: bytes) -> None:
        """Keep this reply for whoever repeats the request with the same Idempotency-Key."""
        self._reply = Reply(status, body)

    async def first_time(self, consumer: str, event_id: str) -> bool:
        """Claim an event for `consumer`; False when it was handled before."""
        table = self._uow.ground.inbox
        return await insert_new(
            self.session, table, consumer=consumer, event_id=event_id, handled_at=utc_now()
        )

    async def finish(self) -> None:
        """Write what was collected. The unit of work calls this before it commits."""
        await self.session.flush()
        if self._rows:
            await insert_rows(
                self.session, self._rows, one_statement=not self._uow.database.is_sqlite
            )
        if self._request and self._reply:
            await idempotency.store(
                self.session,
                self._uow.ground,
                self._uow.keys,
                self._request,
                self._reply,
                self.vault.used,
            )

    def _rows_append(self, row: Row) -> None:
        self._rows.append(row)


class UnitOfWork:
    """Opens transactions; everything inside one commits together or not at all."""

    def __init__(
        self, database: Database, *, service: str, ground: Ground, keys: ServiceKeys
    ) -> None:
        self.database = database
        self.service = service
        self.ground = ground
        self.keys = keys
        self._committed: list[Callable[[], None]] = []

    def on_events(self, wake: Callable[[], None]) -> None:
        """Call `wake` after each commit that wrote events: the relay need not poll for them."""
        self._committed.append(wake)

    @asynccontextmanager
    async def begin(
        self, *, request: Request | None = None, restricted: bool = False
    ) -> AsyncIterator[Transaction]:
        """A transaction; leaving the block commits. Raises Replay if `request` was answered."""
        try:
            async with self.database.write() as session:
                if request:
                    await idempotency.claim(session, self.ground, self.keys, request)
                tx = Transaction(session, self, request=request, restricted=restricted)
                yield tx
                await tx.finish()
        except StaleDataError:
            raise StaleVersion("It was changed since you read it.") from None
        except IntegrityError as error:
            raise Conflict("It clashes with something that exists.") from error
        if tx.vault.has_destroyed:
            await self.database.overwrite_log()
        if tx.has_events:
            for wake in self._committed:
                wake()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A transaction that only looks."""
        async with self.database.read() as session:
            yield Transaction(session, self, request=None, restricted=False)

    async def replay(self, request: Request) -> None:
        """Raise Replay if `request` was answered: for work that asks a peer before it begins."""
        async with self.database.read() as session:
            await idempotency.replay(session, self.ground, self.keys, request)

    async def check_keyring(self, *, note: bool = True) -> None:
        """Refuse to go on with a keyring that is not the one this data was written with.

        A row is named by what the index key makes of it, and wrapped with the others. It is written
        where there is none yet, unless nothing is to be noted. Raises CannotOpen.
        """
        subject = f"{_CHECK}:{self.keys.blind(_CHECK, self.service).hex()[:32]}"
        table = self.ground.data_keys
        async with self.database.read() as session:
            tx = Transaction(session, self, request=None, restricted=False)
            named = select(table.c.subject).where(table.c.subject.startswith(_CHECK))
            found = set(await session.scalars(named))
            await tx.vault.keys(found)
            is_used = await session.scalar(select(table.c.subject).limit(1))
        if subject in found:
            return
        if found - {_CHECK}:
            raise CannotOpen("the blind indexes were made with another key")
        if is_used and not found:
            raise RuntimeError("data_keys holds keys, but not the one that checks the keyring")
        if note:
            async with self.begin() as tx:
                tx.vault.create(subject)
