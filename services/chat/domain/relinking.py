"""The case links, made again from what grievance has said: the sync of the two databases, replayed.

Chat goes on hearing meanwhile. What the links say is looked at first, and the log is read after
that: whatever made them so is in it. A link that has changed since is left for the next look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from libs.common.contracts.grievance import GrievanceStatusChanged, GrievanceSubmitted
from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.errors import Conflict
from libs.common.events import Envelope
from services.chat.clients import CaseLog
from services.chat.domain.linking import SUBMITTED_AS, take_over
from services.chat.models import CaseLink
from services.chat.repository import ChatRepository, Standing

Standings = dict[str, Standing]

LOOKS = 5
BATCH = 200


@dataclass
class Rebuilt:
    """What came of it: events read, links written and removed, links that still differ."""

    events: int = 0
    written: int = 0
    removed: int = 0
    left: int = 0

    def __iadd__(self, other: "Rebuilt") -> Self:
        self.written += other.written
        self.removed += other.removed
        self.left += other.left
        return self


@dataclass
class Replay:
    """Where every case of a conversation stands, as far as the log was read."""

    log: CaseLog
    links: Standings = field(default_factory=dict)
    events: int = 0
    position: int = 0

    async def read_on(self) -> None:
        """Take in what the log has to say by now. Raises PeerFailed."""
        has_more = True
        while has_more:
            page = await self.log.page(after=self.position)
            for entry in page.entries:
                self.take(Envelope.model_validate_json(entry.envelope))
            self.position, has_more = page.position, page.has_more

    def take(self, envelope: Envelope) -> None:
        """Do what hearing this event would have done to its link."""
        self.events += 1
        if envelope.type == GrievanceSubmitted.topic:
            filed = GrievanceSubmitted.model_validate(envelope.data)
            if filed.conversation_id is not None:
                link = Standing(filed.conversation_id, SUBMITTED_AS, envelope.time)
                self.links.setdefault(filed.grievance_id, link)
        elif known := self.links.get(envelope.subject):
            moved = GrievanceStatusChanged.model_validate(envelope.data)
            take_over(
                known, from_status=moved.from_status, to_status=moved.to_status, at=envelope.time
            )


async def rebuild(uow: UnitOfWork, log: CaseLog) -> Rebuilt:
    """Make the links what the log says they are. Raises PeerFailed."""
    replay, done = Replay(log), Rebuilt()
    for _ in range(LOOKS):
        async with uow.read() as tx:
            before = await ChatRepository(tx.session).standings()
        await replay.read_on()
        every = sorted(before.keys() | replay.links.keys())
        wrong = [each for each in every if before.get(each) != replay.links.get(each)]
        done.events, done.left = replay.events, 0
        for start in range(0, len(wrong), BATCH):
            done += await _mend(uow, wrong[start : start + BATCH], before, replay.links)
        if done.left == 0:
            break
    return done


async def _mend(
    uow: UnitOfWork, some: Sequence[str], before: Standings, links: Standings
) -> Rebuilt:
    try:
        async with uow.begin() as tx:
            return await _mended(tx, some, before, links)
    except Conflict:  # one of them was linked this moment: nothing of all this was done
        return Rebuilt(left=len(some))


async def _mended(
    tx: Transaction, some: Sequence[str], before: Standings, links: Standings
) -> Rebuilt:
    done, repository = Rebuilt(), ChatRepository(tx.session)
    rows = {row.grievance_id: row for row in await repository.held_links(some)}
    wanted = {each: links[each] for each in some if each in links}
    known = await repository.existing({link.conversation_id for link in wanted.values()})
    for each in some:
        row, link = rows.get(each), wanted.get(each)
        if (row and Standing.of(row)) != before.get(each):
            done.left += 1
        elif row and link is None:
            await tx.session.delete(row)
            done.removed += 1
        elif link and link.conversation_id in known:
            _write(tx, each, row, link)
            done.written += 1
    return done


def _write(tx: Transaction, grievance_id: str, row: CaseLink | None, link: Standing) -> None:
    if row is None:
        row = CaseLink(grievance_id=grievance_id)
        tx.session.add(row)
    row.conversation_id, row.status = link.conversation_id, link.status
    row.changed_at = link.changed_at
