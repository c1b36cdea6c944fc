"""Keeping up with what was revoked: asked of users again and again, so that no message is needed.

A token is good until it ends, unless its session was ended first. Who checks tokens holds the ids
of ended sessions in memory, and asks for new ones every two seconds: a logout is true everywhere
within five, also where the bus is away. While users is away, what is known goes on holding.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import urlencode

from libs.common.errors import AppError
from libs.common.logging import get_logger
from libs.common.revocations import RevocationPage, Revocations
from libs.common.tokens import LEEWAY, MAX_LIFE
from libs.common.web.client import ServiceClient

log = get_logger(__name__)

PATH = "/internal/revocations"
EVERY_SECONDS = 2.0
DEADLINE_SECONDS = 2.0
WORTH_SAYING = 2
"""Rounds in vain: at a start together, users may be the last to be there."""
PAUSE_SECONDS = 0.25
"""At least, between two rounds, however often somebody wants one at once."""
OVERLAP = timedelta(seconds=60)
"""Asked for again each time: a row may be committed after others with a later time, and replicas
of users have clocks of their own."""
KEPT_SECONDS = float(MAX_LIFE + 2 * LEEWAY)
"""Longer than any token of an ended session could be shown."""

Source = Callable[[datetime | None, str | None], Awaitable[RevocationPage]]
"""Lists what was revoked since a time, from a cursor on. Raises AppError."""


class Revoking:
    """Keeps `revoked` up with what `source` lists; `tell` hears what is new, whenever it is."""

    def __init__(
        self,
        revoked: Revocations,
        source: Source,
        *,
        tell: Callable[[Collection[str]], Awaitable[None]] | None = None,
    ) -> None:
        self.revoked = revoked
        self._source = source
        self._tell = tell
        self._since: datetime | None = None
        self._missed = 0
        self._wanted = asyncio.Event()

    def ask_at_once(self) -> None:
        """Do not wait for the next round: somebody has just been signed out."""
        self._wanted.set()

    async def run(self) -> None:
        """Ask, until cancelled."""
        while True:
            self._wanted.clear()
            await self._look()
            await asyncio.sleep(PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS - PAUSE_SECONDS):
                    await self._wanted.wait()

    async def note(self, sessions: Collection[str]) -> None:
        """Refuse the tokens of these from now on, and say so if that is news."""
        new = self.revoked.add(sessions, seconds=KEPT_SECONDS)
        if new and self._tell:
            await self._tell(new)

    async def _look(self) -> None:
        try:
            await self._catch_up()
        except (AppError, TimeoutError):
            self._missed += 1
            if self._missed == WORTH_SAYING:
                log.warning("revocations.waiting")
        except Exception:
            log.exception("revocations.failed")
        else:
            self._missed = 0

    async def _catch_up(self) -> None:
        page = await self._page(None)
        began = page.as_of
        while page.next_cursor is not None:
            page = await self._page(page.next_cursor)
        self._since = began - OVERLAP

    async def _page(self, cursor: str | None) -> RevocationPage:
        async with asyncio.timeout(DEADLINE_SECONDS):
            page = await self._source(self._since, cursor)
        await self.note(page.items)
        return page


def of_users(users: ServiceClient) -> Source:
    """What users lists, asked over the network."""

    async def ask(since: datetime | None, cursor: str | None) -> RevocationPage:
        said = {"since": since.isoformat() if since else None, "cursor": cursor}
        query = urlencode({name: value for name, value in said.items() if value})
        path = f"{PATH}?{query}" if query else PATH
        found: RevocationPage = await users.get(path, reads=RevocationPage)
        return found

    return ask
