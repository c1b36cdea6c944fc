"""The questions people often ask and the configuration, as of a moment ago."""

import asyncio

from libs.common.clock import monotonic
from libs.common.db.uow import UnitOfWork
from services.chat.domain.answering import FaqBook
from services.chat.repository import ChatRepository

FRESH_SECONDS = 60.0


class Shelf:
    """Holds the book of questions; an edited row is answered from within a minute."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._book = FaqBook([])
        self._fresh_until = float("-inf")
        self._lock = asyncio.Lock()

    async def book(self) -> FaqBook:
        """The book as it stands."""
        if monotonic() >= self._fresh_until:
            async with self._lock:
                if monotonic() >= self._fresh_until:
                    await self._read()
        return self._book

    async def _read(self) -> None:
        async with self._uow.read() as tx:
            questions = await ChatRepository(tx.session).faqs()
        self._book = await asyncio.to_thread(FaqBook, questions)
        self._fresh_until = monotonic() + FRESH_SECONDS
