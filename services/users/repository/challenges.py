"""Questions about one-time codes, and about whose contact one was sent to."""

from datetime import datetime

from sqlalchemy import Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from libs.common.db.writes import changed
from services.users.models import OtpChallenge, User


class ChallengeRepository:
    """One-time codes, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, challenge_id: str) -> OtpChallenge | None:
        """A code that was sent, whatever became of it."""
        query = select(OtpChallenge).where(OtpChallenge.challenge_id == challenge_id)
        found: OtpChallenge | None = await self._session.scalar(query)
        return found

    async def try_once(
        self, challenge_id: str, *, now: datetime, tries: int
    ) -> OtpChallenge | None:
        """Count one more try; None, and nothing to compare with, when there is none left.

        One statement, so of many tries at once no more than `tries` ever get an answer.
        """
        statement = (
            update(OtpChallenge)
            .where(
                OtpChallenge.challenge_id == challenge_id,
                OtpChallenge.used_at.is_(None),
                OtpChallenge.expires_at > now,
                OtpChallenge.tries < tries,
            )
            .values(tries=OtpChallenge.tries + 1)
            .returning(OtpChallenge)
        )
        found: OtpChallenge | None = await self._session.scalar(statement)
        return found

    async def use(self, challenge_id: str, *, at: datetime) -> bool:
        """Use a code up, and forget what it said; False when somebody was faster."""
        statement = update(OtpChallenge).where(
            OtpChallenge.challenge_id == challenge_id, OtpChallenge.used_at.is_(None)
        )
        return await changed(self._session, statement.values(used_at=at, sealed=None)) == 1

    async def tidy(self, *, now: datetime, before: datetime) -> int:
        """Forget what expired codes said, and delete those of long ago; answer how many."""
        expired = OtpChallenge.expires_at < now, OtpChallenge.sealed.is_not(None)
        await self._session.execute(update(OtpChallenge).where(*expired).values(sealed=None))
        old = delete(OtpChallenge).where(OtpChallenge.expires_at < before)
        return await changed(self._session, old)

    async def with_email(self, email_index: bytes) -> User | None:
        """Whose e-mail address this is for certain; of several, whoever was known first.

        When it is nobody's now, whom the one who had it became.
        """
        gone = aliased(User)
        survivors = select(User).join(gone, gone.merged_into == User.user_id)
        return await self._first_living(
            select(User).where(User.email_index == email_index, User.is_email_proven)
        ) or await self._first_living(
            survivors.where(gone.email_index == email_index, gone.is_email_proven)
        )

    async def _first_living(self, query: Select[User]) -> User | None:
        living = query.where(User.merged_into.is_(None), User.erased_at.is_(None))
        first = living.order_by(User.user_id).limit(1)
        found: User | None = await self._session.scalar(first.with_for_update(of=User))
        return found
