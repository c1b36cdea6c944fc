"""The relay: takes events from the outbox to the bus, in order, and never loses one.

Each row gets the next gapless `position`, is published in that order, and is marked once the bus
confirmed it. A crash between publishing and marking publishes again; inboxes take care of that.
One relay per service runs at a time, by a lease. A relay that slept through the end of its lease
can do no harm: a placed row is never placed again, and positions are unique.
"""

import asyncio
import random
from typing import Any

from sqlalchemy import Row, select, text, update

from libs.common.bus.protocol import Bus, Message
from libs.common.clock import monotonic, utc_now
from libs.common.db.leases import hold
from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.errors import AppError
from libs.common.ids import new_id
from libs.common.logging import get_logger
from libs.common.telemetry import EVENTS_PUBLISHED, OUTBOX_LAG

log = get_logger(__name__)

BATCH = 200
POLL_SECONDS = 0.1
LEASE_SECONDS = 10.0
MAX_PAUSE_SECONDS = 5.0

_PLACE = text(
    """
    UPDATE outbox SET position = placed.position FROM (
        SELECT seq, (SELECT coalesce(max(position), 0) FROM outbox)
                    + row_number() OVER (ORDER BY seq) AS position
        FROM outbox WHERE position IS NULL ORDER BY seq LIMIT :batch
    ) AS placed
    WHERE outbox.seq = placed.seq AND outbox.position IS NULL
    """
)


class Relay:
    """Publishes one service's outbox."""

    def __init__(self, uow: UnitOfWork, bus: Bus) -> None:
        self._uow = uow
        self._bus = bus
        self._holder = new_id()
        self._wake = asyncio.Event()
        self._confirmed: tuple[int, int] | None = None
        self._renew_at = float("-inf")
        # A database that only this process writes to has nothing to say that did not wake us.
        self._poll = POLL_SECONDS * 10 if uow.database.is_sqlite else POLL_SECONDS
        uow.on_events(self._wake.set)

    async def run(self) -> None:
        """Publish what there is and what comes, until cancelled."""
        failures = 0
        while True:
            try:
                busy = await self._step()
                failures = 0
            except AppError as error:
                failures += 1
                self._renew_at = float("-inf")  # what was not committed was not renewed
                if failures == 1:
                    log.warning("relay.waiting", service=self._uow.service, code=error.code)
                pause = min(MAX_PAUSE_SECONDS, 0.1 * 2**failures)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
                continue
            if not busy:
                await self._pause()

    async def drain(self) -> None:
        """Publish what is left, when the service ends; what the bus does not take stays written."""
        try:
            async with asyncio.timeout(LEASE_SECONDS / 2):
                while await self._step() or self._confirmed:
                    continue
        except (AppError, TimeoutError):
            log.warning("relay.left", service=self._uow.service)

    async def _pause(self) -> None:
        try:
            # What the bus confirmed is marked with the next event, or soon.
            async with asyncio.timeout(POLL_SECONDS if self._confirmed else self._poll):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _step(self) -> bool:
        """Mark what was confirmed, place and publish what waits; True when more may wait."""
        was_woken = self._wake.is_set()
        self._wake.clear()
        if not was_woken and not self._confirmed and not await self._has_work():
            return False
        async with self._uow.begin() as tx:
            if not await self._holds(tx):
                self._confirmed = None
                return False
            await self._mark(tx)
            await tx.session.execute(_PLACE, {"batch": BATCH})
            rows = await self._unpublished(tx)
        self._confirmed = None
        OUTBOX_LAG.labels(self._uow.service).set(len(rows))
        if rows:
            await self._publish(rows)
        return len(rows) == BATCH

    async def _holds(self, tx: Transaction) -> bool:
        """Whether this is the relay; asked of the database well before the lease ends."""
        if monotonic() < self._renew_at:
            return True
        held = await hold(
            tx.session, self._uow.ground, "relay", holder=self._holder, seconds=LEASE_SECONDS
        )
        self._renew_at = monotonic() + LEASE_SECONDS / 3 if held else float("-inf")
        return held

    async def _has_work(self) -> bool:
        table = self._uow.ground.outbox
        waiting = select(table.c.seq).where(table.c.position.is_(None)).limit(1)
        unpublished = select(table.c.position).where(table.c.published_at.is_(None)).limit(1)
        async with self._uow.read() as tx:
            found = await tx.session.scalar(waiting)
            return found is not None or await tx.session.scalar(unpublished) is not None

    async def _mark(self, tx: Transaction) -> None:
        if self._confirmed is None:
            return
        table = self._uow.ground.outbox
        await tx.session.execute(
            update(table)
            .where(table.c.position.between(*self._confirmed), table.c.published_at.is_(None))
            .values(published_at=utc_now())
        )

    async def _unpublished(self, tx: Transaction) -> list[Row[Any]]:
        table = self._uow.ground.outbox
        query = (
            select(
                table.c.position,
                table.c.event_id,
                table.c.topic,
                table.c.envelope,
                table.c.restricted,
            )
            .where(table.c.published_at.is_(None), table.c.position.is_not(None))
            .order_by(table.c.position)
            .limit(BATCH)
        )
        return list(await tx.session.execute(query))

    async def _publish(self, rows: list[Row[Any]]) -> None:
        messages = [
            Message(row.event_id, row.topic, row.envelope.encode(), row.restricted) for row in rows
        ]
        count = await self._bus.publish(messages)
        if count:
            self._confirmed = (rows[0].position, rows[count - 1].position)
            EVENTS_PUBLISHED.labels(self._uow.service).inc(count)
