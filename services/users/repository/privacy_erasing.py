"""What is kept of somebody beside their own row, to be deleted."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.users.models import (
    Credential,
    Export,
    OtpChallenge,
    Preference,
    RecoveryCode,
    SecondFactor,
    User,
)

OF_ONE = (Credential, Preference, RecoveryCode, SecondFactor)


class ErasingRepository:
    """What erasing somebody takes away, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def with_merged(self, user: User) -> Sequence[User]:
        """A person, and the rows that turned out to be the same; to be changed."""
        query = select(User).where(User.merged_into == user.user_id, User.erased_at.is_(None))
        merged = await self._session.scalars(query.order_by(User.user_id).with_for_update())
        return [user, *merged]

    async def forget(self, user: User) -> list[str]:
        """Delete how they sign in, what they want, and their codes; answer where exports lie."""
        for table in OF_ONE:
            await self._session.execute(delete(table).where(table.user_id == user.user_id))
        found = [index for index in (user.phone_index, user.email_index) if index is not None]
        codes = delete(OtpChallenge).where(OtpChallenge.contact_index.in_(found))
        await self._session.execute(codes)
        return await self._forget_exports(user.user_id)

    async def _forget_exports(self, user_id: int) -> list[str]:
        theirs = Export.user_id == user_id
        query = select(Export.stored_as).where(theirs, Export.stored_as.is_not(None))
        places = [place for place in await self._session.scalars(query) if place]
        blank = {"key": None, "stored_as": None, "sha256": None, "state": "erased"}
        await self._session.execute(update(Export).where(theirs).values(blank))
        return places
