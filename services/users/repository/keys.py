"""Questions about API keys."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.paging import Cursor, newest_first
from libs.common.errors import NotFound
from services.users.models import ApiKey


class ApiKeyNotFound(NotFound):
    """No such key."""

    code = "API_KEY_NOT_FOUND"


class ApiKeyRepository:
    """API keys, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, key_id: str, *, for_update: bool = False) -> ApiKey:
        """A key. Raises ApiKeyNotFound."""
        query = select(ApiKey).where(ApiKey.key_id == key_id)
        found: ApiKey | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        if found is None:
            raise ApiKeyNotFound("There is no such API key.")
        return found

    async def successor(self, key_id: str) -> ApiKey | None:
        """The key that was made for this one, if it was rotated."""
        query = select(ApiKey).where(ApiKey.replaces == key_id)
        found: ApiKey | None = await self._session.scalar(query)
        return found

    async def by_hash(self, key_hash: bytes) -> ApiKey | None:
        """The key that hashes to this, unless it was revoked."""
        query = select(ApiKey).where(ApiKey.key_hash == key_hash, ApiKey.revoked_at.is_(None))
        found: ApiKey | None = await self._session.scalar(query)
        return found

    async def page(self, *, after: Cursor | None, limit: int) -> Sequence[ApiKey]:
        """The newest keys; one more than `limit` when there is a next page."""
        at, row = ApiKey.created_at.expression, ApiKey.key_id.expression
        query = newest_first(select(ApiKey), at, row, after=after, limit=limit)
        return (await self._session.scalars(query)).all()
