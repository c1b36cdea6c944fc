"""Questions to the users schema."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.paging import Cursor, newest_first
from libs.common.errors import NotFound
from libs.common.principal import Role
from services.users.models import ApiKey, AuditRow, Credential, User


class UserNotFound(NotFound):
    """No such person, or none this caller may look at."""

    code = "USER_NOT_FOUND"


class ApiKeyNotFound(NotFound):
    """No such key."""

    code = "API_KEY_NOT_FOUND"


class UserRepository:
    """People and how they sign in, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: int, *, for_update: bool = False) -> User:
        """A person. Raises UserNotFound."""
        query = select(User).where(User.user_id == user_id)
        found: User | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        if found is None:
            raise UserNotFound("There is no such user.")
        return found

    async def by_phone(self, phone_index: bytes, *, for_update: bool = False) -> User | None:
        """The person with this phone, if the vault knows one."""
        query = select(User).where(User.phone_index == phone_index)
        found: User | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        return found

    async def credential(self, user_id: int, *, for_update: bool = False) -> Credential | None:
        """How a person signs in, if they can."""
        query = select(Credential).where(Credential.user_id == user_id)
        found: Credential | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        return found

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

    async def audit(self, about: str) -> Sequence[AuditRow]:
        """What was done to somebody or something, oldest first."""
        query = select(AuditRow).where(AuditRow.about == about).order_by(AuditRow.audit_id)
        return (await self._session.scalars(query)).all()


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
