"""The event feed: the services' logs read as one, by one cursor.

Events are merged by their time, and each log keeps its own order: what is said of one aggregate
comes in the order it happened. What was said after the reading began is left for the next page, so
that an effect is not read before the cause that a slower log holds. A log that does not answer is
left where it stood and named; its events come later, none is passed over.
"""

import asyncio
import base64
import heapq
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from libs.common.clock import monotonic, utc_now
from libs.common.db.paging import InvalidCursor
from libs.common.messaging.log import MAX_POSITION, LogPage, Wanted, microseconds
from services.gateway.clients.logs import LogsClient
from services.gateway.domain.refusals import UpstreamUnavailable

LOGS = ("users", "grievance", "files", "tasks", "chat")
"""The order is part of every cursor that was given: it never changes without a new version."""
VERSION = 1
MAX_CURSOR = 100
CHECK_BYTES = 2
PACE_SECONDS = 0.25
"""Who waits is not woken by every single event of a busy minute."""
LOOK_SECONDS = 2.0
"""Events may come while nothing wakes us: the bus is away, or its copy was lost."""
HELD_MICROSECONDS = 1_000_000
"""Later than now by more than this is a clock that is wrong, and no reason to hold an event."""
SEARCH_SECONDS = 2.0
"""How long a page looks on through events nobody asked for before it says where it is."""


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """How far each log was read."""

    positions: tuple[int, ...] = (0,) * len(LOGS)

    @classmethod
    def of(cls, after: Mapping[str, int]) -> "FeedCursor":
        """The cursor of these positions."""
        return cls(tuple(after[name] for name in LOGS))

    @property
    def after(self) -> dict[str, int]:
        """The positions by name."""
        return dict(zip(LOGS, self.positions, strict=True))

    def __str__(self) -> str:
        """The opaque form clients send back: a version, the positions, two bytes of a checksum."""
        payload = bytes([VERSION]) + b"".join(_varint(each) for each in self.positions)
        return base64.urlsafe_b64encode(payload + _check(payload)).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> "FeedCursor":
        """Read the opaque form. Raises InvalidCursor."""
        try:
            padded = (text + "=" * (-len(text) % 4)).encode("ascii")
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
            cursor = cls(tuple(_numbers(raw[1:-CHECK_BYTES])))
        except ValueError:
            raise InvalidCursor("This cursor was not given by this feed.") from None
        # One spelling each: whatever else decodes to the same is none of ours.
        if len(cursor.positions) != len(LOGS) or str(cursor) != text:
            raise InvalidCursor("This cursor was not given by this feed.")
        return cursor


@dataclass(frozen=True, slots=True)
class Stretch:
    """A page of the feed: events as they were stored, where to go on, and who is missing."""

    items: list[bytes]
    cursor: FeedCursor
    missing: list[str]


class News:
    """Wakes who waits for events. A hint: what was said is in the logs."""

    def __init__(self) -> None:
        self._next = asyncio.Event()
        self._is_over = False

    def heard(self) -> None:
        """Something was said."""
        woken, self._next = self._next, asyncio.Event()
        woken.set()

    def end(self) -> None:
        """Nobody is to wait any more: we are leaving."""
        self._is_over = True
        self.heard()

    @property
    def is_over(self) -> bool:
        """Whether waiting has ended for good."""
        return self._is_over

    @property
    def next(self) -> asyncio.Event:
        """What will be set by whatever is said from now on."""
        return self._next


class Feed:
    """Reads the services' logs as one."""

    def __init__(self, logs: LogsClient, news: News) -> None:
        self._logs = logs
        self._news = news

    async def page(
        self, wanted: Wanted, *, after: FeedCursor, limit: int, wait: float = 0
    ) -> Stretch:
        """The next events, after `wait` seconds at most. Raises CursorAhead, UpstreamUnavailable.

        A page without events may still have moved on: there was something, but nothing wanted.
        """
        began = monotonic()
        while True:
            news = self._news.next
            found = await self._read(wanted, after, limit)
            spent = monotonic() - began
            has_moved, after = found.cursor != after, found.cursor
            if found.items or (spent >= wait and not has_moved) or spent >= wait + SEARCH_SECONDS:
                return found
            if not has_moved:
                if self._news.is_over:
                    return found
                await _either(news, wait - spent)

    async def _read(self, wanted: Wanted, after: FeedCursor, limit: int) -> Stretch:
        began = microseconds(utc_now())
        found = await self._logs.read(wanted, after=after.after, limit=limit)
        if not found:
            raise UpstreamUnavailable("No service answers just now.")
        pages = {name: _settled(page, began) for name, page in found.items()}
        items, positions = merge(pages, after.after, limit=limit)
        missing = [name for name in LOGS if name not in pages]
        return Stretch(items, FeedCursor.of(after.after | positions), missing)


def _settled(page: LogPage, began: int) -> LogPage:
    """`page` up to the first event that was said after the reading `began`."""
    for number, entry in enumerate(page.entries):
        if began < entry.at <= began + HELD_MICROSECONDS:
            return LogPage(page.entries[:number], entry.position - 1, has_more=False)
    return page


def merge(
    pages: Mapping[str, LogPage], after: Mapping[str, int], *, limit: int
) -> tuple[list[bytes], dict[str, int]]:
    """The first events of `pages` by time, and how far each log was read by taking them.

    It ends where a log falls silent that has more to say: what comes next there may be older than
    what comes next elsewhere.
    """
    taken = dict.fromkeys(pages, 0)
    heap = [(page.entries[0].at, name) for name, page in pages.items() if page.entries]
    heapq.heapify(heap)
    items: list[bytes] = []
    is_open = all(page.entries or not page.has_more for page in pages.values())
    while heap and is_open and len(items) < limit:
        _, name = heapq.heappop(heap)
        entries = pages[name].entries
        items.append(entries[taken[name]].envelope)
        taken[name] += 1
        if taken[name] < len(entries):
            heapq.heappush(heap, (entries[taken[name]].at, name))
        else:
            is_open = not pages[name].has_more
    return items, {
        name: _reached(page, taken[name], at_least=after[name]) for name, page in pages.items()
    }


def _reached(page: LogPage, taken: int, *, at_least: int) -> int:
    """The last place of `page` that is done with: just before the first event left over."""
    if taken < len(page.entries):
        return max(at_least, page.entries[taken].position - 1)
    return max(at_least, page.position)


async def _either(news: asyncio.Event, seconds: float) -> None:
    """Wait for news, or until it is time to look anyway; never less than a moment."""
    with suppress(TimeoutError):
        async with asyncio.timeout(min(seconds, LOOK_SECONDS)):
            await news.wait()
            await asyncio.sleep(PACE_SECONDS)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first (LEB128)."""
    parts = bytearray()
    while number > 0x7F:  # noqa: PLR2004
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _numbers(raw: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte & 0x80:
            continue
        if number > MAX_POSITION:
            raise ValueError("beyond any log")
        yield number
        number = shift = 0


def _check(payload: bytes) -> bytes:
    return zlib.crc32(payload).to_bytes(4, "big")[-CHECK_BYTES:]
