"""Questions about what people want, what they agreed to, and who looked at their data."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, false, func, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.paging import Cursor, newest_first
from libs.common.errors import NotFound
from services.users.models import Consent, Preference, Reveal, User


class RevealNotFound(NotFound):
    """No such reveal, or none of this caller's."""

    code = "REVEAL_NOT_FOUND"


class PreferenceRepository:
    """How people want to be spoken to, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of(self, user_id: int) -> Preference | None:
        """What somebody said; none when they said nothing yet."""
        query = select(Preference).where(Preference.user_id == user_id)
        found: Preference | None = await self._session.scalar(query)
        return found

    async def forget(self, user_id: int) -> None:
        """Nobody said anything."""
        await self._session.execute(delete(Preference).where(Preference.user_id == user_id))


class ConsentRepository:
    """What people agreed to, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def latest(self, user_id: int) -> Sequence[Consent]:
        """What somebody said last about each purpose."""
        number = func.row_number().over(
            partition_by=Consent.purpose,
            order_by=(Consent.at.desc(), Consent.consent_id.desc()),
        )
        ranked = (
            select(Consent.consent_id, number.label("number"))
            .where(Consent.user_id == user_id)
            .subquery()
        )
        newest = select(ranked.c.consent_id).where(ranked.c.number == 1)
        query = select(Consent).where(Consent.consent_id.in_(newest)).order_by(Consent.purpose)
        return (await self._session.scalars(query)).all()

    async def page(self, user_id: int, *, after: Cursor | None, limit: int) -> Sequence[Consent]:
        """Everything somebody said, newest first; one more than `limit` when there is more."""
        query = select(Consent).where(Consent.user_id == user_id)
        at, row = Consent.at.expression, Consent.consent_id.expression
        return (
            await self._session.scalars(newest_first(query, at, row, after=after, limit=limit))
        ).all()

    async def move(self, user_id: int, *, to: int) -> None:
        """What `user_id` said, `to` said."""
        await self._session.execute(
            update(Consent).where(Consent.user_id == user_id).values(user_id=to)
        )


class RevealRepository:
    """Who asked to see whose data, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take_turn(self, user_id: int) -> None:
        """Have whoever reveals twice at once do so one after the other: both are counted then."""
        # Others may still name this person in their rows: only their own reveals wait.
        query = select(User.user_id).where(User.user_id == user_id)
        await self._session.execute(query.with_for_update(key_share=True))

    async def granted_since(self, by: str, since: datetime) -> int:
        """How often `by` was shown something since then."""
        query = select(func.count()).where(
            Reveal.by == by, Reveal.refused.is_(None), Reveal.asked_at > since
        )
        return (await self._session.execute(query)).scalar_one()

    async def own(self, reveal_id: str, *, by: str) -> Reveal:
        """A reveal `by` was granted, to be changed. Raises RevealNotFound."""
        query = select(Reveal).where(
            Reveal.reveal_id == reveal_id, Reveal.by == by, Reveal.refused.is_(None)
        )
        found: Reveal | None = await self._session.scalar(query.with_for_update())
        if found is None:
            raise RevealNotFound("There is no such reveal.")
        return found

    async def page(
        self, by: str, *, everybodys: bool, after: Cursor | None, limit: int
    ) -> Sequence[Reveal]:
        """Reveals, newest first: `by`'s own, or `everybodys` but the restricted ones."""
        others = not_(Reveal.restricted) if everybodys else false()
        query: Select[Any] = select(Reveal).where(or_(Reveal.by == by, others))
        at, row = Reveal.asked_at.expression, Reveal.reveal_id.expression
        return (
            await self._session.scalars(newest_first(query, at, row, after=after, limit=limit))
        ).all()
