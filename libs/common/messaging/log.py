"""The event log: a service's outbox, read by position from the beginning to the end.

The relay gives positions in an order in which they also become visible: it places rows that have
committed, in one transaction at a time. Whoever saw position 8 has seen all of 1 to 7, whatever
order the transactions behind them began in. A number taken at insertion has no such order: read by
it, an event of a transaction that was slow to commit is skipped.

On its way a page is lines of JSON; the envelopes are passed on as they were stored, unread.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.base import Ground
from libs.common.errors import Conflict

MEDIA = "application/x-ndjson"
MAX_POSITION = 2**63 - 1
MAX_LIMIT = 1_000
SCAN = 20_000
"""Rows looked at for one page: a filter that matches little must not read the log in one go."""
EVERYTHING_BELOW = ".*"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ENDS = 2
_PARTS = 3


class CursorAhead(Conflict):
    """The log ends before the place asked for: it was set back. Read from the beginning."""

    code = "CURSOR_AHEAD_OF_LOG"


class NotALog(ValueError):
    """The text is no page of a log."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to read: topics or `prefix.*`, none for all; one subject, or any."""

    types: tuple[str, ...] = ()
    subject: str | None = None
    restricted: bool = False
    """With the restricted ones: for services of our own, never for anybody's feed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event at its place; `at` is in microseconds since 1970."""

    position: int
    at: int
    envelope: bytes


@dataclass(frozen=True, slots=True)
class LogPage:
    """What was wanted of a stretch of the log, which ends at `position`."""

    entries: Sequence[Entry]
    position: int
    has_more: bool

    def to_bytes(self) -> bytes:
        """Lines of JSON: where the page ends and whether there is more, then `[at, when, what]`."""
        lines = [b"[%d,%s]\n" % (self.position, b"true" if self.has_more else b"false")]
        lines += [
            b"[%d,%d,%s]\n" % (each.position, each.at, each.envelope) for each in self.entries
        ]
        return b"".join(lines)

    @classmethod
    def from_bytes(cls, content: bytes) -> "LogPage":
        """Read what `to_bytes` wrote, the envelopes aside. Raises NotALog."""
        first, *lines = content.split(b"\n")
        try:
            position, has_more = json.loads(first)
            entries = [_entry(line) for line in lines if line]
            return cls(entries, int(position), bool(has_more))
        except (ValueError, TypeError):
            raise NotALog("This is no page of a log.") from None


def _entry(line: bytes) -> Entry:
    parts = line.split(b",", _ENDS)
    if len(parts) != _PARTS or not (line.startswith(b"[") and line.endswith(b"}]")):
        raise NotALog("This is no line of a log.")
    return Entry(int(parts[0][1:]), int(parts[1]), parts[2][:-1])


async def read_log(
    session: AsyncSession, ground: Ground, wanted: Wanted, *, after: int, limit: int
) -> LogPage:
    """What is `wanted` of the log beyond the position `after`, in order. Raises CursorAhead."""
    rows = list(await session.execute(_query(ground, wanted, after=after, limit=limit)))
    last: int = rows[0].last or 0
    if after > last:
        raise CursorAhead("The log ends before this cursor: it was set back.", last=last)
    entries = [
        Entry(row.position, microseconds(row.created_at), row.envelope.encode())
        for row in rows
        if row.position is not None
    ]
    end = entries[-1].position if len(entries) == limit else min(after + SCAN, last)
    return LogPage(entries, end, end < last)


def microseconds(at: datetime) -> int:
    """A moment as the log counts: microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def _query(ground: Ground, wanted: Wanted, *, after: int, limit: int) -> Select[Any]:
    """One statement, and so one moment: where the log ends, and what is wanted of it."""
    table = ground.outbox
    place = table.c.position
    found = (
        select(place, table.c.created_at, table.c.envelope)
        .where(place > after, place <= min(after + SCAN, MAX_POSITION), *_filters(ground, wanted))
        .order_by(place)
        .limit(limit)
        .subquery("found")
    )
    end = select(func.max(place).label("last")).subquery("end_of_log")
    return (
        select(end.c.last, found.c.position, found.c.created_at, found.c.envelope)
        .select_from(end.outerjoin(found, true()))
        .order_by(found.c.position)
    )


def _filters(ground: Ground, wanted: Wanted) -> list[ColumnElement[bool]]:
    table = ground.outbox
    conditions: list[ColumnElement[bool]] = []
    if not wanted.restricted:
        conditions.append(table.c.restricted.is_(false()))
    if wanted.subject is not None:
        conditions.append(table.c.subject == wanted.subject)
    if wanted.types:
        conditions.append(or_(*(_topic(table.c.topic, each) for each in wanted.types)))
    return conditions


def _topic(column: ColumnElement[str], given: str) -> ColumnElement[bool]:
    if not given.endswith(EVERYTHING_BELOW):
        return column == given
    return column.startswith(given.removesuffix("*"), autoescape=True)
