"""Whether the audit log is what was written: every row, the head, and every seal there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from pathlib import Path

from libs.common.chain import Broken, Fault, Link, Mark, Walk
from libs.common.db.uow import UnitOfWork
from libs.common.tokens import PublicKeys
from services.users.domain.sealing import BrokenSeal, Seal
from services.users.repository.audit import AuditRepository

BATCH = 5_000
"""Rows of one transaction: a log of any length is read beside a running system."""
BEFORE_ANY = -(2**63)
UNREADABLE = (ValueError, TypeError, AttributeError, ArithmeticError, MemoryError, RecursionError)
"""What comes of a value this program never writes: SQLite keeps any kind in any column."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and the first thing that is wrong with it."""

    rows: int
    seals: int
    wrong: str | None = None


async def verify(uow: UnitOfWork, keys: PublicKeys, folder: Path) -> Report:
    """Read the whole chain, and check it against its head, its seals and those in `folder`.

    What is added meanwhile is beyond the head that was read first, and is left for the next time.
    """
    try:
        seals = [*seals_in(folder), *await _seals(uow)]
        for each in seals:
            each.check(keys)
    except BrokenSeal as error:
        return Report(0, 0, str(error))
    except UNREADABLE:
        return Report(0, 0, "a seal that nobody can read")
    # The head is read after the seals: it lies at or beyond the last of them.
    try:
        head = await _head(uow)
    except UNREADABLE:
        return Report(0, len(seals), "the head: nobody can read it")
    walk = Walk(each.mark for each in seals)
    broken = await _walk(uow, walk, head) or await _beyond(uow, head)
    return Report(walk.last.position, len(seals), str(broken) if broken else None)


def seals_in(folder: Path) -> Sequence[Seal]:
    """The seals that are kept as files. Raises BrokenSeal."""
    files = sorted(folder.glob("*.json"))
    return [Seal.from_json(file.read_text(), name=f"the file {file.name}") for file in files]


async def _seals(uow: UnitOfWork) -> Sequence[Seal]:
    async with uow.read() as tx:
        return [Seal.of(row) for row in await AuditRepository(tx.session).seals()]


async def _head(uow: UnitOfWork) -> Mark | None:
    async with uow.read() as tx:
        row = await AuditRepository(tx.session).head()
    return Mark(index(row.position), row.hash) if row else None


async def _walk(uow: UnitOfWork, walk: Walk, head: Mark | None) -> Broken | None:
    after, end = BEFORE_ANY, head.position if head else 0
    size = BATCH
    while True:
        try:
            links = await _links(uow, after=after, up_to=end, limit=size)
        except UNREADABLE:
            # Which row it is, one by one tells.
            if size == 1:
                return Broken(walk.last.position + 1, Fault.CHANGED)
            size = 1
            continue
        for each in links:
            if broken := _step(walk, each):
                return broken
        if len(links) < size:
            return walk.end(head)
        after = walk.last.position


def _step(walk: Walk, found: Link) -> Broken | None:
    try:
        return walk.step(found)
    except UNREADABLE:
        # It has no spelling, so it has no hash either.
        return Broken(found.position, Fault.CHANGED)


async def _links(uow: UnitOfWork, *, after: int, up_to: int, limit: int) -> Sequence[Link]:
    async with uow.read() as tx:
        return await AuditRepository(tx.session).links(after=after, up_to=up_to, limit=limit)


async def _beyond(uow: UnitOfWork, head: Mark | None) -> Broken | None:
    """A row nobody told the head of."""
    async with uow.read() as tx:
        repository = AuditRepository(tx.session)
        found = await (repository.first_beyond_head() if head else repository.first())
    return Broken(found, Fault.UNKNOWN, "the head") if found is not None else None
