"""News on its way: in order within a room, and no room waits for another one's owner."""

import asyncio
from contextlib import suppress

from libs.common.clock import monotonic
from libs.common.errors import NotFound
from libs.common.ids import new_id
from libs.common.logging import get_logger
from libs.common.web.client import PeerFailed
from services.gateway.clients.owners import Owners
from services.gateway.domain.rooms import Push, Room, Rooms
from services.gateway.realtime.news import Json, News

log = get_logger(__name__)

LANES = 8
KEPT_IN_A_LANE = 500
PATIENCE_SECONDS = 3.0
"""News that waited longer is told without what would have to be fetched: a push is a hint."""
REST_SECONDS = 2.0
"""An owner that did not answer is left alone for as long."""


class Lanes:
    """Tells the members of rooms what is new, a few rooms at a time."""

    def __init__(self, rooms: Rooms, owners: Owners) -> None:
        self._rooms = rooms
        self._owners = owners
        self._lanes: list[asyncio.Queue[tuple[float, str, News]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._resting: dict[str, float] = {}

    def offer(self, news: News, event_id: str) -> None:
        """Have news told. What nobody waits for goes no further; what is too much is dropped."""
        if not self._rooms.members(news.room):
            return
        if not self._tasks:
            self._begin()
        lane = self._lanes[hash(news.room) % LANES]
        try:
            lane.put_nowait((monotonic(), event_id, news))
        except asyncio.QueueFull:
            log.warning("push.dropped", name=news.event)

    async def tell(self, room: Room, push: Push) -> None:
        """Tell everybody in a room."""
        for listener in self._rooms.members(room):
            await listener.offer(push)

    async def close(self) -> None:
        """Tell nothing more."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    def _begin(self) -> None:
        self._lanes = [asyncio.Queue(KEPT_IN_A_LANE) for _ in range(LANES)]
        self._tasks = [asyncio.create_task(self._run(lane)) for lane in self._lanes]

    async def _run(self, lane: "asyncio.Queue[tuple[float, str, News]]") -> None:
        while True:
            since, event_id, news = await lane.get()
            try:
                data = await self._whole(news, since)
                if data is not None:
                    await self.tell(news.room, Push(news.event, data, event_id or new_id()))
            except Exception:
                log.exception("push.failed", name=news.event)

    async def _whole(self, news: News, since: float) -> Json | None:
        """The payload with what had to be fetched; None when that is gone, or protected by now."""
        if news.detail is None or not self._rooms.members(news.room):
            return news.data
        now = monotonic()
        if now - since > PATIENCE_SECONDS or self._resting.get(news.room.kind, 0.0) > now:
            return news.data
        try:
            return news.data | await news.detail(self._owners)
        except NotFound:
            return None
        except PeerFailed:
            self._resting[news.room.kind] = monotonic() + REST_SECONDS
            log.warning("push.without_detail", name=news.event)
            return news.data
