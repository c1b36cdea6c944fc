"""The event logs of the services, asked for all at once."""

import asyncio
from collections.abc import Mapping

from libs.common.clock import monotonic
from libs.common.errors import NotFound
from libs.common.logging import get_logger
from libs.common.messaging.log import CursorAhead, LogPage, Wanted
from libs.common.web.client import PeerFailed, PeerRefused, ServiceClient
from libs.common.web.feed import LogReader

log = get_logger(__name__)

AWAY_SECONDS = 2.0
"""Who did not answer is not asked again at once: the others' events must not wait for it."""


class LogsClient:
    """Reads what every service has said."""

    def __init__(self, peers: Mapping[str, ServiceClient]) -> None:
        self._readers = {name: LogReader(peer) for name, peer in peers.items()}
        self._away_until: dict[str, float] = {}

    async def read(
        self, wanted: Wanted, *, after: Mapping[str, int], limit: int
    ) -> dict[str, LogPage]:
        """The next stretch of each log; a service that does not answer is not in it.

        Raises CursorAhead.
        """
        asked = [self._page(name, wanted, after[name], limit) for name in self._readers]
        found = await asyncio.gather(*asked)
        return {
            name: page for name, page in zip(self._readers, found, strict=True) if page is not None
        }

    async def _page(self, name: str, wanted: Wanted, after: int, limit: int) -> LogPage | None:
        if self._away_until.get(name, 0.0) > monotonic():
            return None
        try:
            return await self._readers[name].page(wanted, after=after, limit=limit)
        except (PeerFailed, PeerRefused, NotFound) as error:
            if error.code == CursorAhead.code:
                raise CursorAhead(error.message, service=name, **error.details) from None
            log.warning("feed.incomplete", peer=name, code=error.code)
            self._away_until[name] = monotonic() + AWAY_SECONDS
        return None
