"""Questions about people and how they sign in."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.errors import NotFound
from libs.common.principal import Role
from services.users.models import Credential, RecoveryCode, SecondFactor, User

MANY = 20
"""Nobody looks through more people of one e-mail address or national id."""


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
        """The person with this phone, if the vault knows one."""
        query = select(User).where(User.phone_index == phone_index)
        return await self._first(query, for_update=for_update)

    async def by_email(self, email_index: bytes) -> Sequence[User]:
        """Everybody this e-mail address was said of: not who may sign in with it."""
        return await self._many(select(User).where(User.email_index == email_index))

    async def by_national_id(self, national_id_index: bytes) -> Sequence[User]:
        """Everybody this national id was said of."""
        return await self._many(select(User).where(User.national_id_index == national_id_index))

    async def alike(self, user: User) -> Sequence[User]:
        """Others with the same e-mail address or national id."""
        same = [
            column == index
            for column, index in (
                (User.email_index, user.email_index),
                (User.national_id_index, user.national_id_index),
            )
            if index is not None
        ]
        if not same:
            return []
        return await self._many(select(User).where(User.user_id != user.user_id, or_(*same)))

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

    async def _first(self, query: Select[Any], *, for_update: bool) -> User | None:
        found: User | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        return found

    async def _many(self, query: Select[Any]) -> Sequence[User]:
        found = query.where(User.merged_into.is_(None)).order_by(User.user_id).limit(MANY)
        return (await self._session.scalars(found)).all()
