"""Questions about exports, and everything this service holds on one person."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.users.models import Consent, Export, Reveal, Session


class ExportRepository:
    """Exports, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, export_id: str, *, for_update: bool = False) -> Export | None:
        """An export, if there is one."""
        query = select(Export).where(Export.export_id == export_id)
        found: Export | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        return found

    async def newest(self, user_id: int) -> Export | None:
        """What somebody asked for last; to be changed."""
        query = select(Export).where(Export.user_id == user_id)
        query = query.order_by(Export.requested_at.desc(), Export.export_id.desc()).limit(1)
        found: Export | None = await self._session.scalar(query.with_for_update())
        return found

    async def over(self, now: datetime) -> Sequence[Export]:
        """What was kept long enough; to be changed."""
        query = select(Export).where(Export.expires_at <= now, Export.stored_as.is_not(None))
        return (await self._session.scalars(query.with_for_update())).all()

    async def kept(self, names: Collection[str]) -> set[str]:
        """Those of `names` that are the archive of an export."""
        query = select(Export.stored_as).where(Export.stored_as.in_(names))
        return {name for name in await self._session.scalars(query) if name}

    async def sessions(self, user_id: int) -> Sequence[Session]:
        """When somebody signed in, oldest first."""
        return await self._all(Session, user_id, Session.created_at)

    async def consents(self, user_id: int) -> Sequence[Consent]:
        """What somebody agreed to, oldest first."""
        return await self._all(Consent, user_id, Consent.at)

    async def reveals(self, user_id: int) -> Sequence[Reveal]:
        """When somebody's data was looked at, oldest first."""
        return await self._all(Reveal, user_id, Reveal.asked_at)

    async def _all(self, table: Any, user_id: int, order: Any) -> Sequence[Any]:
        query = select(table).where(table.user_id == user_id).order_by(order)
        return (await self._session.scalars(query)).all()
