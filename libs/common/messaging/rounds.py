"""Rounds: small work done every few moments, by one replica at a time, until the service ends."""

import asyncio
from collections.abc import Awaitable, Callable

from libs.common.db.leases import give_back, hold
from libs.common.db.uow import UnitOfWork
from libs.common.errors import AppError
from libs.common.ids import new_id
from libs.common.logging import get_logger

log = get_logger(__name__)

GIVE_BACK_SECONDS = 3.0


class Round:
    """Calls `work` every `seconds` while this replica holds the lease `name`."""

    def __init__(
        self, uow: UnitOfWork, name: str, work: Callable[[], Awaitable[object]], *, seconds: float
    ) -> None:
        self._uow = uow
        self._name = name
        self._work = work
        self._seconds = seconds
        self._holder = new_id()

    async def run(self) -> None:
        """Go round until cancelled; a round that fails is logged and the next one comes."""
        try:
            while True:
                await self._go()
                await asyncio.sleep(self._seconds)
        finally:
            await self._give_back()

    async def _go(self) -> None:
        try:
            if await self._hold():
                await self._work()
        except AppError as error:
            log.warning("round.waiting", name=self._name, code=error.code)
        except Exception:
            log.exception("round.failed", name=self._name)

    async def _hold(self) -> bool:
        async with self._uow.begin() as tx:
            return await hold(
                tx.session,
                self._uow.ground,
                self._name,
                holder=self._holder,
                seconds=max(self._seconds * 3, 5),
            )

    async def _give_back(self) -> None:
        """Whoever begins next need not wait; where that fails, the lease runs out."""
        try:
            async with asyncio.timeout(GIVE_BACK_SECONDS), self._uow.begin() as tx:
                await give_back(tx.session, self._uow.ground, self._name, holder=self._holder)
        except (AppError, TimeoutError):
            log.warning("round.lease_left", name=self._name)
