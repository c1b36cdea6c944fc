"""What became of every stroke: on the ledger, in the feed, on the bus."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select

from libs.common.bus.protocol import Bus, Delivery
from libs.common.db.uow import UnitOfWork
from libs.common.messaging.log import Wanted, read_log
from scripts.feedproof.bells import BELLS, GROUND, QUEUE, Site, relay_of

PAGE = 500
Stroke = tuple[str, int]


@dataclass
class Told:
    """What one way of listening told, in the order it came."""

    strokes: list[Stroke] = field(default_factory=list)

    def take(self, envelope: bytes | str) -> None:
        """One more event."""
        data = json.loads(envelope)["data"]
        self.strokes.append((data["tower"], data["stroke"]))

    def missing(self, struck: dict[str, int]) -> int:
        """Strokes of the ledger that were never told."""
        wanted = {(tower, each + 1) for tower, many in struck.items() for each in range(many)}
        return len(wanted - set(self.strokes))

    def ghosts(self, struck: dict[str, int]) -> int:
        """Strokes told that are not on the ledger."""
        return sum(each > struck[tower] for tower, each in set(self.strokes))

    @property
    def twice(self) -> int:
        """Strokes told again."""
        return sum(times - 1 for times in Counter(self.strokes).values())

    @property
    def disorder(self) -> int:
        """Strokes of a bell that were told for the first time after a later one."""
        last: defaultdict[str, int] = defaultdict(int)
        wrong = 0
        for tower, each in dict.fromkeys(self.strokes):
            wrong += each < last[tower]
            last[tower] = max(last[tower], each)
        return wrong


@dataclass
class Outcome:
    """All of it."""

    struck: dict[str, int]
    feed: Told
    bus: Told
    positions: list[int]
    left: int

    @property
    def is_clean(self) -> bool:
        """Nothing lost, invented or out of order; told twice on the bus is what was promised."""
        ways = (self.feed, self.bus)
        wrong = sum(w.missing(self.struck) + w.ghosts(self.struck) + w.disorder for w in ways)
        gapless = self.positions == list(range(1, len(self.positions) + 1))
        return not (wrong or self.feed.twice or self.left) and gapless

    def lines(self) -> Iterable[str]:
        """The table."""
        total = sum(self.struck.values())
        yield "              struck    told  missing  ghost  twice  disorder"
        for name, told in (("feed", self.feed), ("bus", self.bus)):
            yield (
                f"  {name:10}{total:8}{len(told.strokes):8}{told.missing(self.struck):9}"
                f"{told.ghosts(self.struck):7}{told.twice:7}{told.disorder:10}"
            )
        last = self.positions[-1] if self.positions else 0
        gaps = last - len(self.positions)
        yield f"  positions 1 to {last}, {gaps} gaps; unmarked rows {self.left}"


async def drained(site: Site) -> Outcome:
    """Let a relay live until everything is told; then read the feed and the queue, and count."""
    uow, bus = site.uow(), site.bus()
    await bus.start()
    try:
        relay = asyncio.create_task(relay_of(uow, bus).run())
        await _until_marked(uow)
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
        feed, positions = await _feed(uow)
        async with uow.read() as tx:
            rows = await tx.session.execute(select(BELLS.c.tower, BELLS.c.strokes))
            struck = {row.tower: row.strokes for row in rows}
        return Outcome(struck, feed, await _queue(bus), positions, await _unmarked(uow))
    finally:
        await bus.close()
        await uow.database.close()


async def _unmarked(uow: UnitOfWork) -> int:
    table = GROUND.outbox
    query = select(func.count()).select_from(table).where(table.c.published_at.is_(None))
    async with uow.read() as tx:
        return int(await tx.session.scalar(query) or 0)


async def _until_marked(uow: UnitOfWork) -> None:
    async with asyncio.timeout(120):
        while await _unmarked(uow):
            await asyncio.sleep(0.05)


async def _feed(uow: UnitOfWork) -> tuple[Told, list[int]]:
    told, positions, after, has_more = Told(), list[int](), 0, True
    while has_more:
        async with uow.read() as tx:
            page = await read_log(tx.session, GROUND, Wanted(), after=after, limit=PAGE)
        for entry in page.entries:
            told.take(entry.envelope)
            positions.append(entry.position)
        after, has_more = page.position, page.has_more
    return told, positions


async def _queue(bus: Bus) -> Told:
    told = Told()

    async def receive(delivery: Delivery) -> None:
        told.take(delivery.message.body)

    subscription = await bus.consume(QUEUE, receive, prefetch=1)
    async with asyncio.timeout(300):
        while await bus.depth(QUEUE):
            await asyncio.sleep(0.05)
    await subscription.cancel()
    return told
