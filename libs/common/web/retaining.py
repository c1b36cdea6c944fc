"""Holding to how long what is kept is kept: users has the rules, and is asked once a round.

While users is away, the rules heard last go on holding. Where none was ever heard, nothing is
deleted. What is deleted is counted, and told to the audit log with it: how many, never whose.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from libs.common import auditing
from libs.common.clock import utc_now
from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.errors import AppError
from libs.common.logging import get_logger
from libs.common.telemetry import PURGED
from libs.common.web.client import ServiceClient

log = get_logger(__name__)

PATH = "/internal/retention-rules"
EVERY_SECONDS = 600.0
DEADLINE_SECONDS = 5.0
BATCH = 200
"""So much of one kind goes in one transaction."""
BATCHES = 100
"""So many batches of one kind go in one round: a backlog of more waits for the next."""
APPLIED = "retention_applied"
"""What the audit log is told."""


class RetentionRule(BaseModel):
    """How many days one kind of data is kept."""

    kind: str
    keep_days: int = Field(ge=1)


Source = Callable[[], Awaitable[Sequence[RetentionRule]]]
"""Lists the rule of every kind. Raises AppError."""
Purge = Callable[[Transaction, datetime, int], Awaitable[int]]
"""`(tx, before, limit)`: forget what was last touched before then; answer how much that was."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of data that a service deletes; what is told of a `restricted` one travels apart."""

    kind: str
    purge: Purge
    restricted: bool = False


class Retaining:
    """Deletes what of each kind `kept` was kept long enough, as `source` says."""

    def __init__(self, uow: UnitOfWork, source: Source, kept: Sequence[Kept]) -> None:
        self._uow = uow
        self._source = source
        self._kept = kept
        self._days: dict[str, int] = {}

    async def go_round(self) -> None:
        """Ask for the rules, and delete what is due of each kind that has one, batch by batch."""
        await self._ask()
        for each in self._kept:
            if each.kind in self._days:
                await self._purge_all(each, self._days[each.kind])

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                self._days = {rule.kind: rule.keep_days for rule in await self._source()}
        except (AppError, TimeoutError):
            log.warning("retention.waiting", service=self._uow.service)

    async def _purge_all(self, kept: Kept, days: int) -> None:
        for _ in range(BATCHES):
            if await self._purge(kept, days) < BATCH:
                return

    async def _purge(self, kept: Kept, days: int) -> int:
        async with self._uow.begin(restricted=kept.restricted) as tx:
            count = await kept.purge(tx, utc_now() - timedelta(days=days), BATCH)
            if count:
                by, target = f"service:{self._uow.service}", f"retention:{kept.kind}"
                auditing.record(tx, APPLIED, by=by, target=target, count=count, keep_days=days)
        PURGED.labels(self._uow.service, kept.kind).inc(count)
        return count


def of_users(users: ServiceClient) -> Source:
    """What users lists, asked over the network."""

    async def ask() -> Sequence[RetentionRule]:
        found: list[RetentionRule] = await users.get(PATH, reads=list[RetentionRule])
        return found

    return ask
