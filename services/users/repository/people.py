"""Questions about people and how they sign in."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from libs.common.errors import NotFound
from libs.common.principal import Role
from services.users.models import Credential, RecoveryCode, SecondFactor, User

_LAST_OF_ALL = 0x6C617374
"""The lock under which those who administer everything cease to, one after the other."""
MANY = 20
"""Nobody looks through more people of one e-mail address or national id."""


_GONE = aliased(User)
"""Rows by what they are found by: also of those who became part of others."""


class UserNotFound(NotFound):
    """No such person, or none this caller may look at."""

    code = "USER_NOT_FOUND"


class UserRepository:
    """People and how they sign in, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: int, *, for_update: bool = False) -> User:
        """A person. Raises UserNotFound, also for somebody who became part of another."""
        found = await self.find(user_id, for_update=for_update)
        if found is None or found.merged_into is not None:
            raise UserNotFound("There is no such user.")
        return found

    async def find(self, user_id: int, *, for_update: bool = False) -> User | None:
        """The row of this number, whatever became of them."""
        return await self._first(select(User).where(User.user_id == user_id), for_update=for_update)

    async def survivor(self, user_id: int) -> User:
        """A person, or whom they became part of. Raises UserNotFound."""
        found = await self.find(user_id)
        if found is None:
            raise UserNotFound("There is no such user.")
        return found if found.merged_into is None else await self.get(found.merged_into)

    async def by_phone(self, phone_index: bytes, *, for_update: bool = False) -> User | None:
        """The person with this phone, or whom the one who had it became; one question either way.

        Whoever had to be waited for `for_update` has it still, or is not answered.
        """
        theirs = User.phone_index == phone_index
        became = select(_GONE.merged_into).where(_GONE.phone_index == phone_index)
        known = or_(theirs, User.user_id == became.scalar_subquery())
        living = User.merged_into.is_(None), User.erased_at.is_(None)
        return await self._first(select(User).where(known, *living), for_update=for_update)

    async def having_phone(self, phone_index: bytes) -> User | None:
        """The row with this phone, whatever became of who had it."""
        query = select(User).where(User.phone_index == phone_index)
        return await self._first(query, for_update=False)

    async def apart(self, phone_index: bytes) -> Sequence[User]:
        """Whom restricted cases name with this phone."""
        living = User.merged_into.is_(None), User.erased_at.is_(None)
        return await self._many(select(User).where(User.apart_index == phone_index, *living))

    async def has_proven(self, user: User) -> bool:
        """Whether a contact of theirs, or of who became part of them, was ever proved."""
        theirs = or_(User.user_id == user.user_id, User.merged_into == user.user_id)
        proven = or_(User.is_phone_proven, User.is_email_proven)
        return (
            await self._session.scalar(select(User.user_id).where(theirs, proven).limit(1))
            is not None
        )

    async def let_go(self, user_id: int, phone_index: bytes) -> None:
        """Somebody has a phone themselves now that one had who became part of them."""
        theirs = User.merged_into == user_id, User.phone_index == phone_index
        await self._session.execute(update(User).where(*theirs).values(phone_index=None))

    async def by_email(self, email_index: bytes) -> Sequence[User]:
        """Everybody this e-mail address was said of: not who may sign in with it."""
        return await self._many(known_by(_GONE.email_index == email_index))

    async def by_national_id(self, national_id_index: bytes) -> Sequence[User]:
        """Everybody this national id was said of."""
        return await self._many(known_by(_GONE.national_id_index == national_id_index))

    async def alike(self, user: User) -> Sequence[User]:
        """Others with the same e-mail address or national id."""
        theirs = or_(User.user_id == user.user_id, User.merged_into == user.user_id)
        rows = (await self._session.scalars(select(User).where(theirs))).all()
        same = [
            column.in_(indexes)
            for column, indexes in (
                (_GONE.email_index, {row.email_index for row in rows} - {None}),
                (_GONE.national_id_index, {row.national_id_index for row in rows} - {None}),
            )
            if indexes
        ]
        if not same:
            return []
        return await self._many(known_by(*same).where(User.user_id != user.user_id))

    async def follow_merge(self, user_id: int, *, into: int) -> None:
        """Whoever became part of `user_id` before is part of `into` now."""
        await self._session.execute(
            update(User).where(User.merged_into == user_id).values(merged_into=into)
        )

    async def credential(self, user_id: int, *, for_update: bool = False) -> Credential | None:
        """How a person signs in, if they can."""
        query = select(Credential).where(Credential.user_id == user_id)
        found: Credential | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        return found

    async def forget_login(self, user_id: int) -> None:
        """Whoever signed in as this person does so no more."""
        for table in (Credential, SecondFactor, RecoveryCode):
            await self._session.execute(delete(table).where(table.user_id == user_id))

    async def by_login(self, login_index: bytes) -> tuple[User, Credential] | None:
        """Who signs in under this login."""
        query = select(User, Credential).join(Credential, Credential.user_id == User.user_id)
        row = (
            await self._session.execute(query.where(Credential.login_index == login_index))
        ).one_or_none()
        return (row[0], row[1]) if row else None

    async def has_super_admin(self) -> bool:
        """Whether anybody can sign in who may appoint everybody else."""
        query = select(User.user_id).join(Credential, Credential.user_id == User.user_id)
        return (
            await self._session.scalar(query.where(User.role == Role.SUPER_ADMIN).limit(1))
            is not None
        )

    async def others_administer_all(self, user: User) -> bool:
        """Whether anybody but `user` can sign in and appoint everybody, everywhere.

        Whoever asks has the turn until they commit, so that of two at once one stays.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            await self._session.execute(select(func.pg_advisory_xact_lock(_LAST_OF_ALL)))
        query = select(User.user_id).join(Credential, Credential.user_id == User.user_id)
        others = User.user_id != user.user_id, User.role == Role.SUPER_ADMIN, User.scope.is_(None)
        return await self._session.scalar(query.where(*others).limit(1)) is not None

    async def _first(self, query: Select[Any], *, for_update: bool) -> User | None:
        found: User | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        return found

    async def _many(self, query: Select[Any]) -> Sequence[User]:
        return (await self._session.scalars(query.order_by(User.user_id).limit(MANY))).all()


def known_by(*any_of: ColumnElement[bool]) -> Select[User]:
    """Everybody of whom one of these is so, or of one who became part of them."""
    who = select(func.coalesce(_GONE.merged_into, _GONE.user_id)).where(or_(*any_of))
    return select(User).where(User.user_id.in_(who), User.merged_into.is_(None))
