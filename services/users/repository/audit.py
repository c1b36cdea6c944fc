"""Questions to the audit log: its chain, and who did what."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import NullType

from libs.common.chain import GENESIS, Link, Mark
from libs.common.db.paging import InvalidCursor
from libs.common.db.writes import insert_new
from services.users.models import AuditRow, ChainHead, ChainSeal

CHAIN = "audit"
CONTENT = (
    "event_id", "service", "who", "role", "act", "target", "reason", "details", "restricted", "at",
)  # fmt: skip
"""The columns of a row that are its content; the others bind it to its place."""

_AS_IT_LIES = {"restricted": type_coerce(AuditRow.restricted, NullType())}
"""What is neither 0 nor 1 would be read as true, and no list would show it."""
_WALKED = [
    _AS_IT_LIES.get(name, AuditRow.__table__.c[name])
    for name in ("position", "previous", "hash", *CONTENT)
]
_TRUTH = {0: False, 1: True}


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What a reader narrows the log down to."""

    who: str | None = None
    act: str | None = None
    target: str | None = None
    service: str | None = None
    reason: str | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None


class AuditRepository:
    """The audit log, its head and its seals, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def head(self) -> ChainHead | None:
        """Where the chain ends; none before its first row."""
        return await self._session.get(ChainHead, CHAIN)

    async def locked_head(self) -> ChainHead:
        """The same, held until this transaction ends: one row at a time is added."""
        table: Any = ChainHead.__table__
        query = select(ChainHead).where(ChainHead.chain == CHAIN).with_for_update()
        found: ChainHead | None = await self._session.scalar(query)
        if found is None:
            await insert_new(self._session, table, chain=CHAIN, position=0, hash=GENESIS)
            found = (await self._session.scalars(query)).one()
        return found

    async def links(self, *, after: int, up_to: int, limit: int) -> list[Link]:
        """Rows in the order of the chain."""
        query = (
            select(*_WALKED)
            .where(AuditRow.position > after, AuditRow.position <= up_to)
            .order_by(AuditRow.position)
            .limit(limit)
        )
        rows = await self._session.execute(query)
        return [
            Link(position, previous, own, _content(values))
            for position, previous, own, *values in rows
        ]

    async def first_beyond_head(self) -> int | None:
        """The first row the head does not know of, by one statement and so at one moment."""
        head = select(ChainHead.position).where(ChainHead.chain == CHAIN).scalar_subquery()
        query = select(AuditRow.position).where(AuditRow.position > head)
        found: int | None = await self._session.scalar(query.order_by(AuditRow.position).limit(1))
        return found

    async def first(self) -> int | None:
        """The first row of all; none in an empty log."""
        query = select(AuditRow.position).order_by(AuditRow.position).limit(1)
        found: int | None = await self._session.scalar(query)
        return found

    async def began_at(self) -> datetime | None:
        """When the first act of all was done."""
        query = select(AuditRow.at).order_by(AuditRow.position).limit(1)
        found: datetime | None = await self._session.scalar(query)
        return found

    async def seal(self, day: str) -> ChainSeal | None:
        """How the chain ended on `day`, if that was sealed."""
        return await self._session.get(ChainSeal, (CHAIN, day))

    async def seals(self) -> Sequence[ChainSeal]:
        """Every seal, oldest first."""
        query = select(ChainSeal).where(ChainSeal.chain == CHAIN).order_by(ChainSeal.day)
        return (await self._session.scalars(query)).all()

    async def add_seal(self, day: str, head: Mark, signature: str, at: datetime) -> None:
        """Keep how the chain ended on `day`, unless that is kept already."""
        table: Any = ChainSeal.__table__
        await insert_new(
            self._session,
            table,
            chain=CHAIN,
            day=day,
            position=head.position,
            hash=head.hash,
            signature=signature,
            sealed_at=at,
        )

    async def page(
        self,
        filters: AuditFilters,
        *,
        restricted: Collection[bool],
        after: str | None,
        limit: int,
    ) -> Sequence[AuditRow]:
        """The newest rows a reader may see; one more than `limit` when there is a next page.

        A page begins after a row named by its event: positions would tell how many rows there are
        that the reader may not know of. Raises InvalidCursor.
        """
        seen = AuditRow.restricted.in_(restricted)
        query = select(AuditRow).where(seen, *_conditions(filters))
        if after is not None:
            place = select(AuditRow.position).where(AuditRow.event_id == after, seen)
            last: int | None = await self._session.scalar(place)
            if last is None:
                raise InvalidCursor("This cursor was not given by this list.")
            query = query.where(AuditRow.position < last)
        rows = await self._session.scalars(
            query.order_by(AuditRow.position.desc()).limit(limit + 1)
        )
        return rows.all()


def _content(values: Sequence[Any]) -> dict[str, Any]:
    row = dict(zip(CONTENT, values, strict=True))
    return row | {"restricted": _TRUTH.get(row["restricted"], row["restricted"])}


def _conditions(filters: AuditFilters) -> list[ColumnElement[bool]]:
    wanted = {
        AuditRow.who: filters.who,
        AuditRow.act: filters.act,
        AuditRow.target: filters.target,
        AuditRow.service: filters.service,
        AuditRow.reason: filters.reason,
    }
    conditions = [column == value for column, value in wanted.items() if value is not None]
    if filters.date_from:
        conditions.append(AuditRow.at >= filters.date_from)
    if filters.date_to:
        conditions.append(AuditRow.at < filters.date_to)
    return conditions
