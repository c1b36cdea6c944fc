"""Questions about second factors and the codes that stand in for them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.writes import changed
from services.users.models import RecoveryCode, SecondFactor


class FactorRepository:
    """Authenticators and recovery codes, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of(self, user_id: int, *, for_update: bool = False) -> SecondFactor | None:
        """The authenticator of a person, confirmed or not; none may look at it meanwhile."""
        query = select(SecondFactor).where(SecondFactor.user_id == user_id)
        found: SecondFactor | None = await self._session.scalar(
            query.with_for_update() if for_update else query
        )
        return found

    async def is_confirmed(self, user_id: int) -> bool:
        """Whether somebody has shown a code of their authenticator."""
        query = select(SecondFactor.user_id).where(SecondFactor.user_id == user_id)
        return (
            await self._session.scalar(query.where(SecondFactor.confirmed_at.is_not(None)))
            is not None
        )

    async def use_recovery_code(self, user_id: int, code_hash: bytes, *, at: datetime) -> bool:
        """Use a code up; False when there is none like it. Two at once: one of them has it."""
        statement = (
            update(RecoveryCode)
            .where(
                RecoveryCode.code_hash == code_hash,
                RecoveryCode.user_id == user_id,
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=at)
        )
        return await changed(self._session, statement) == 1

    async def has_recovery_code(self, user_id: int, code_hash: bytes) -> bool:
        """Whether somebody can still use this code."""
        query = select(RecoveryCode.user_id).where(
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.user_id == user_id,
            RecoveryCode.used_at.is_(None),
        )
        return await self._session.scalar(query) is not None

    async def recovery_codes_left(self, user_id: int) -> int:
        """How many codes somebody can still use."""
        query = select(func.count()).where(
            RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
        )
        return await self._session.scalar(query) or 0

    async def replace_recovery_codes(self, user_id: int, hashes: Iterable[bytes]) -> None:
        """Have these codes and no others."""
        await self.forget_recovery_codes(user_id)
        self._session.add_all(RecoveryCode(code_hash=each, user_id=user_id) for each in hashes)

    async def forget_recovery_codes(self, user_id: int) -> None:
        """Delete every code of somebody."""
        await self._session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))

    async def forget(self, user_id: int) -> bool:
        """Delete the authenticator of somebody; False when there was none."""
        statement = delete(SecondFactor).where(SecondFactor.user_id == user_id)
        return await changed(self._session, statement) == 1
