"""Questions about sessions, their refresh tokens, and what was revoked."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.paging import Cursor
from libs.common.db.writes import changed, insert_new
from services.users.models import RefreshToken, Revocation, Session

_REVOCATIONS = cast("Table", Revocation.__table__)


class SessionRepository:
    """Sessions and their tokens, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, session_id: str, *, for_update: bool = False) -> Session | None:
        """A session, ended or not."""
        query = select(Session).where(Session.session_id == session_id)
        found: Session | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        return found

    async def alive(
        self, user_id: int, *, now: datetime, seen_after: datetime
    ) -> Sequence[Session]:
        """The sessions somebody could still go on with, newest first."""
        query = select(Session).where(
            Session.user_id == user_id,
            Session.ended_at.is_(None),
            Session.expires_at > now,
            Session.last_seen_at > seen_after,
        )
        order = Session.created_at.desc(), Session.session_id.desc()
        return (await self._session.scalars(query.order_by(*order))).all()

    async def end(self, session_id: str, *, at: datetime, why: str) -> int | None:
        """End a session; whose it was, or None when it had ended before."""
        statement = (
            update(Session)
            .where(Session.session_id == session_id, Session.ended_at.is_(None))
            .values(ended_at=at, ended_why=why)
            .returning(Session.user_id)
        )
        found: int | None = await self._session.scalar(statement)
        return found

    async def end_all(
        self, user_id: int, *, at: datetime, why: str, but: str | None
    ) -> Sequence[str]:
        """End whatever sessions somebody has, `but` one; which those were."""
        statement = (
            update(Session)
            .where(
                Session.user_id == user_id,
                Session.ended_at.is_(None),
                Session.session_id != (but or ""),
            )
            .values(ended_at=at, ended_why=why)
            .returning(Session.session_id)
        )
        return list(await self._session.scalars(statement))

    async def revoke(self, session_id: str, *, at: datetime, until: datetime) -> bool:
        """Have its tokens refused from `at` on; False when they would be by then in any case."""
        row = {"session_id": session_id, "revoked_at": at, "until": until}
        if await insert_new(self._session, _REVOCATIONS, **row):
            return True
        later = update(Revocation).where(
            Revocation.session_id == session_id, Revocation.revoked_at > at
        )
        return bool(await changed(self._session, later.values(revoked_at=at)))

    async def revoked(
        self, *, since: datetime | None, now: datetime, after: Cursor | None, limit: int
    ) -> Sequence[Revocation]:
        """What is refused `now`, from `since` on, oldest first; one more than `limit`."""
        place = tuple_(Revocation.revoked_at, Revocation.session_id)
        query = select(Revocation).where(Revocation.revoked_at <= now, Revocation.until > now)
        if since is not None:
            query = query.where(Revocation.revoked_at >= since)
        if after is not None:
            query = query.where(place > tuple_(after.at, after.id))
        query = query.order_by(Revocation.revoked_at, Revocation.session_id).limit(limit + 1)
        return (await self._session.scalars(query)).all()

    async def session_of(self, token_hash: bytes) -> str | None:
        """The session a refresh token belongs to, used or not."""
        query = select(RefreshToken.session_id).where(RefreshToken.token_hash == token_hash)
        found: str | None = await self._session.scalar(query)
        return found

    async def use(self, token_hash: bytes, *, at: datetime) -> bool:
        """Use a refresh token up; False when it was used before, or there is none."""
        statement = update(RefreshToken).where(
            RefreshToken.token_hash == token_hash, RefreshToken.used_at.is_(None)
        )
        return bool(await changed(self._session, statement.values(used_at=at)))

    async def forget(self, *, now: datetime, ended_before: datetime) -> int:
        """Delete what can matter to nobody any more; answer how many sessions that were."""
        is_old = or_(Session.ended_at < ended_before, Session.expires_at < ended_before)
        is_over = or_(Session.ended_at < now, Session.expires_at < now)
        over = select(Session.session_id).where(is_over)
        await self._session.execute(delete(Revocation).where(Revocation.until < now))
        await self._session.execute(delete(RefreshToken).where(RefreshToken.session_id.in_(over)))
        return await changed(self._session, delete(Session).where(is_old))
