"""Who is given tokens: by password and second factor, by refresh token, by API key."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from libs.common.principal import Role, Scope
from services.users.domain import placing, second_factor, sessions
from services.users.domain.sessions import Begun, SessionRules
from services.users.domain.signing_in import Account, note_sign_in
from services.users.models import Session, User
from services.users.repository.people import UserNotFound, UserRepository
from services.users.repository.sessions import SessionRepository
from services.users.settings import UsersSettings

PASSWORD = "password"  # noqa: S105 - a way to sign in
REUSED = "refresh_reused"
IDLE = "idle"
GONE = "gone"
HALF_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Granted:
    """Who goes on, in which role and part of the programme, with which session."""

    user: User
    role: Role
    scope: Scope
    begun: Begun


@dataclass(frozen=True, slots=True)
class Half:
    """Whose password was right, and whose role asks for a second factor they do not have."""

    session_id: str


class Denied(StrEnum):
    """Why nobody goes on. It is answered once the transaction that found it out is kept."""

    WRONG = "The login or the password is wrong."
    CODE_MISSING = "A code of your authenticator, or a recovery code, is needed: send `otp`."
    CODE_WRONG = "The code is wrong, too old, or was used."
    TOKEN = "The refresh token does not hold. Sign in again."  # noqa: S105 - a sentence


async def by_password(
    tx: Transaction, found: Account | None, *, is_right: bool, otp: str, settings: UsersSettings
) -> Granted | Half | Denied:
    """Begin a session of whose password was right, and whose second factor is. Raises FactorRests.

    Wrong codes are counted, so the transaction has to commit either way.
    """
    user = await _still(tx, found) if is_right else None
    if user is None or found is None:
        note_sign_in(tx, found, succeeded=False)
        return Denied.WRONG
    role = Role(user.role)
    if await second_factor.is_enrolled(tx, user.user_id):
        if not otp:
            return Denied.CODE_MISSING
        if not await second_factor.accept(tx, user, otp):
            note_sign_in(tx, found, succeeded=False)
            return Denied.CODE_WRONG
    elif second_factor.is_required(role, settings):
        return Half(await sessions.begin_half(tx, user, lasts=HALF_LASTS))
    note_sign_in(tx, found, succeeded=True)
    rules = SessionRules.of(settings)
    begun = await sessions.begin(tx, user, role=role, method=PASSWORD, rules=rules)
    return Granted(user, role, await placing.works_in(tx, user), begun)


async def by_refresh_token(tx: Transaction, token: str, rules: SessionRules) -> Granted | Denied:
    """Go on with a session, and take a new token for the one that is used up by this.

    A token that comes a second time was stolen, or its successor was: the session ends, whoever
    holds either. The transaction has to commit either way.
    """
    repository, now = SessionRepository(tx.session), utc_now()
    token_hash = sessions.hash_of(tx, token)
    is_first_use = await repository.use(token_hash, at=now)
    session_id = await repository.session_of(token_hash)
    session = await repository.get(session_id, for_update=True) if session_id else None
    if session is None:
        return Denied.TOKEN
    user = await _user(tx, session.user_id)
    why = None if is_first_use else REUSED
    if session.expires_at <= now or session.last_seen_at <= now - rules.idle:
        why = why or IDLE
    if user is None:
        why = why or GONE
    if session.ended_at is not None or user is None or why is not None:
        await sessions.end(tx, session.session_id, why=why or GONE)
        return Denied.TOKEN
    session.last_seen_at = now
    begun = Begun(session.session_id, sessions.issue(tx, session.session_id))
    role = _role(session, user)
    # Staff who go on as citizens have no part of the programme with them.
    scope = await placing.works_in(tx, user) if role.is_staff else placing.EVERYWHERE
    return Granted(user, role, scope, begun)


async def session_of(tx: Transaction, refresh_token: str) -> str | None:
    """The session a refresh token belongs to, used or not."""
    return await SessionRepository(tx.session).session_of(sessions.hash_of(tx, refresh_token))


def _role(session: Session, user: User) -> Role:
    """What they are now; staff who proved no more than their phone stay citizens."""
    return Role.CITIZEN if session.role == Role.CITIZEN else Role(user.role)


async def _user(tx: Transaction, user_id: int, *, for_update: bool = False) -> User | None:
    try:
        user = await UserRepository(tx.session).get(user_id, for_update=for_update)
    except UserNotFound:
        return None
    return None if user.erased_at or user.merged_into else user


async def _still(tx: Transaction, found: Account | None) -> User | None:
    """The person of an account, unless it changed while its password was checked."""
    user = await _user(tx, found.user_id, for_update=True) if found else None
    if found is None or user is None or not user.is_staff:
        return None
    credential = await UserRepository(tx.session).credential(user.user_id)
    return user if credential and credential.password_hash == found.password_hash else None
