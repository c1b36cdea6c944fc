"""Sessions: begun with a proof, kept alive by refresh tokens, ended once and everywhere."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.common.clock import utc_now
from libs.common.contracts.users import SessionRevoked
from libs.common.db.paging import Cursor
from libs.common.db.uow import Transaction
from libs.common.ids import new_id
from libs.common.principal import Principal, Role
from libs.common.revocations import RevocationPage
from libs.common.tokens import LEEWAY, MAX_LIFE, InvalidToken
from services.users.domain.auditing import record
from services.users.models import Act, RefreshToken, Session, User, principal_of
from services.users.repository.sessions import SessionRepository
from services.users.settings import UsersSettings

PREFIX = "rdr_refresh_"
OURSELVES = "users"
TOKENS_LIVE = timedelta(seconds=MAX_LIFE + 2 * LEEWAY)
"""Longer than any token of an ended session could be shown."""
KEPT_FOR = timedelta(days=30)
PAGE = 5000
HALF = "password alone"
WHOLE = "second_factor_shown"
LEFT = "signed_out"
REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a session lasts: unused, and at all."""

    idle: timedelta
    staff: timedelta
    citizens: timedelta

    @classmethod
    def of(cls, settings: UsersSettings) -> "SessionRules":
        """The rules of an installation."""
        return cls(
            timedelta(seconds=settings.session_idle_seconds),
            timedelta(seconds=settings.staff_session_seconds),
            timedelta(seconds=settings.citizen_session_seconds),
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that goes on, and what it goes on with next; the token is seen this once."""

    session_id: str
    refresh_token: str


async def begin(
    tx: Transaction, user: User, *, role: Role, method: str, rules: SessionRules
) -> Begun:
    """Begin a session of `user` in `role`, who proved it by `method`."""
    lasts = rules.staff if role.is_staff else rules.citizens
    session_id = _open(tx, user, role=role, method=method, lasts=lasts)
    return Begun(session_id, issue(tx, session_id))


async def begin_half(tx: Transaction, user: User, *, lasts: timedelta) -> str:
    """Begin one of whose second factor is still to come: it ends as others do, goes on never."""
    return _open(tx, user, role=Role(user.role), method=HALF, lasts=lasts)


async def check_goes_on(tx: Transaction, session_id: str) -> None:
    """Raises InvalidToken for a session that was ended, however lately."""
    session = await SessionRepository(tx.session).get(session_id)
    if session is None or session.ended_at is not None:
        raise _ended()


async def make_whole(
    tx: Transaction, user: User, half: str, *, method: str, rules: SessionRules
) -> Begun:
    """Begin a session instead of the half one, which is good for one. Raises InvalidToken."""
    if not await end(tx, half, why=WHOLE):
        raise _ended()
    return await begin(tx, user, role=Role(user.role), method=method, rules=rules)


async def end(tx: Transaction, session_id: str, *, why: str, by: str = OURSELVES) -> bool:
    """End a session; ending it twice is ending it once, and False."""
    now = utc_now()
    user_id = await SessionRepository(tx.session).end(session_id, at=now, why=why)
    if user_id is not None:
        await _revoke(tx, session_id, principal_id=principal_of(user_id), why=why, by=by)
    return user_id is not None


async def end_all(
    tx: Transaction, user_id: int, *, why: str, but: str | None = None, by: str = OURSELVES
) -> int:
    """End all sessions of somebody, `but` the one they are in; answer how many that were."""
    now = utc_now()
    ended = await SessionRepository(tx.session).end_all(user_id, at=now, why=why, but=but)
    for session_id in ended:
        await _revoke(tx, session_id, principal_id=principal_of(user_id), why=why, by=by)
    return len(ended)


async def of(tx: Transaction, principal_id: str, rules: SessionRules) -> Sequence[Session]:
    """The sessions somebody can still go on with, newest first; nobody else has any."""
    kind, _, number = principal_id.partition(":")
    if kind != "user" or not number.isdecimal():
        return ()
    now = utc_now()
    repository = SessionRepository(tx.session)
    return await repository.alive(int(number), now=now, seen_after=now - rules.idle)


async def revoked(
    tx: Transaction, *, since: datetime | None, after: Cursor | None
) -> RevocationPage:
    """What is refused from `since` on, a page at a time; everything without it."""
    now = utc_now()
    rows = await SessionRepository(tx.session).revoked(
        since=since, now=now, after=after, limit=PAGE
    )
    page = rows[:PAGE]
    last = page[-1] if len(rows) > PAGE else None
    return RevocationPage(
        items=[row.session_id for row in page],
        as_of=now,
        next_cursor=str(Cursor(last.revoked_at, last.session_id)) if last else None,
    )


async def leave(tx: Transaction, who: Principal, *, why: str) -> None:
    """End the session of whoever calls, person or guest."""
    if not who.session:
        return
    if who.role is Role.GUEST:
        await revoke_guest(tx, who.session, guest_id=who.id)
    else:
        await end(tx, who.session, why=why, by=who.id)


async def revoke_guest(tx: Transaction, session_id: str, *, guest_id: str) -> bool:
    """Have a guest's tokens refused: guests have no rows, only what must not hold any more.

    False when they were already, by whoever was faster.
    """
    return await _revoke(tx, session_id, principal_id=guest_id, why="guest_left", by=guest_id)


async def replace_guest(tx: Transaction, session_id: str, *, guest_id: str) -> None:
    """End a guest's session for another one; of two who try, the first. Raises InvalidToken."""
    if not await revoke_guest(tx, session_id, guest_id=guest_id):
        raise _ended()


async def refuse_tokens(tx: Transaction, session_id: str, *, at: datetime | None = None) -> bool:
    """Have every service refuse the tokens of `session_id`, from `at` on.

    False when they would have by then in any case.
    """
    at = at or utc_now()
    return await SessionRepository(tx.session).revoke(session_id, at=at, until=at + TOKENS_LIVE)


def issue(tx: Transaction, session_id: str) -> str:
    """A new refresh token of a session: 256 bits, of which a keyed hash is kept."""
    token = PREFIX + secrets.token_urlsafe(32)
    tx.insert(
        RefreshToken,
        token_hash=hash_of(tx, token),
        session_id=session_id,
        issued_at=utc_now(),
        used_at=None,
    )
    return token


def hash_of(tx: Transaction, refresh_token: str) -> bytes:
    """By what a refresh token is found."""
    return tx.vault.blind("refresh_token", refresh_token)


async def forget(tx: Transaction, *, kept: timedelta = KEPT_FOR) -> int:
    """Delete revocations no token could be shown for any more, and sessions long over: so many."""
    now = utc_now()
    return await SessionRepository(tx.session).forget(now=now, ended_before=now - kept)


def _ended() -> InvalidToken:
    return InvalidToken("The session was ended. Sign in again.")


def _open(tx: Transaction, user: User, *, role: Role, method: str, lasts: timedelta) -> str:
    now, session_id = utc_now(), new_id()
    tx.insert(
        Session,
        session_id=session_id,
        user_id=user.user_id,
        role=role.value,
        method=method,
        created_at=now,
        last_seen_at=now,
        expires_at=now + lasts,
        ended_at=None,
        ended_why=None,
    )
    return session_id


async def _revoke(
    tx: Transaction, session_id: str, *, principal_id: str, why: str, by: str
) -> bool:
    is_first = await refuse_tokens(tx, session_id)
    if is_first:
        tx.publish(SessionRevoked(principal_id=principal_id, session_id=session_id))
        record(tx, Act.SESSION_ENDED, by=by, about=f"session:{session_id}", reason=why)
    return is_first
