"""Retention: its rules, and what they delete."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.writes import changed, insert_new
from services.users.models import RetentionRule, Reveal


class RetentionRepository:
    """How long things are kept, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def rules(self) -> dict[str, int]:
        """What somebody said, by kind."""
        query = select(RetentionRule.kind, RetentionRule.keep_days)
        return {kind: days for kind, days in await self._session.execute(query)}  # noqa: C416

    async def put(self, kind: str, keep_days: int, *, by: str, at: datetime) -> None:
        """Say how long a kind is kept."""
        values = {"keep_days": keep_days, "updated_by": by, "updated_at": at}
        table = RetentionRule.__table__
        if not await insert_new(self._session, table, kind=kind, **values):  # type: ignore[arg-type]
            statement = update(RetentionRule).where(RetentionRule.kind == kind)
            await self._session.execute(statement.values(values))

    async def forget_reveals(self, before: datetime) -> int:
        """Delete what is known of looks at people's data; the audit log knows on."""
        return await changed(self._session, delete(Reveal).where(Reveal.asked_at < before))
