"""Signing in: logins, passwords, and the first administrator."""

import unicodedata
from dataclasses import dataclass

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict
from libs.common.phones import InvalidPhone, e164
from libs.common.principal import Role
from services.users.domain.auditing import record
from services.users.domain.people import Person, UserExists, add
from services.users.models import Act, Credential, User, principal_of
from services.users.repository.people import UserRepository

ADMINISTRATOR = "Administrator"
NOBODY = "anybody"


class NoLogin(Conflict):
    """Somebody without a phone number needs a username to sign in with."""

    code = "LOGIN_MISSING"


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in, and what their password has to match."""

    user_id: int
    principal_id: str
    role: Role
    password_hash: str


def login_index(tx: Transaction, login: str) -> bytes:
    """The blind index of a login: a username in any case, or a phone number in any spelling."""
    text = unicodedata.normalize("NFKC", login).strip()
    try:
        text = e164(text)
    except InvalidPhone:
        text = text.casefold()
    return tx.vault.blind("login", text)


async def account(tx: Transaction, index: bytes) -> Account | None:
    """The account of a login, if it is one of staff."""
    found = await UserRepository(tx.session).by_login(index)
    if found is None or not found[0].is_staff:
        return None
    user, credential = found
    return Account(user.user_id, user.principal_id, Role(user.role), credential.password_hash)


def note_sign_in(tx: Transaction, found: Account | None, *, succeeded: bool) -> None:
    """Write down who signed in, or on whose account somebody tried to."""
    whom = found.principal_id if found else None
    if succeeded and whom:
        record(tx, Act.SIGNED_IN, by=whom, about=whom)
    else:
        record(tx, Act.SIGN_IN_REFUSED, by=NOBODY, about=whom)


async def set_password(
    tx: Transaction, user: User, password_hash: str, *, login: str | None, by: str
) -> None:
    """Let `user` sign in with a password, under `login` if they have none yet."""
    repository = UserRepository(tx.session)
    credential = await repository.credential(user.user_id, for_update=True)
    now = utc_now()
    if credential:
        credential.password_hash, credential.updated_at = password_hash, now
    elif login is None:
        raise NoLogin("Give a phone number or a username to sign in with.")
    else:
        credential = Credential(
            user_id=user.user_id, password_hash=password_hash, created_at=now, updated_at=now
        )
        await _name_login(tx, credential, login)
        tx.session.add(credential)
    record(tx, Act.PASSWORD_SET, by=by, about=user.principal_id)


async def follow_phone(tx: Transaction, user: User, *, was: str | None, becomes: str) -> None:
    """Whoever signs in with their phone number does so with the new one."""
    credential = await UserRepository(tx.session).credential(user.user_id, for_update=True)
    if credential and was not in {None, becomes} and await username_of(tx, user) == was:
        await _name_login(tx, credential, becomes)


async def appoint_super_admin(
    tx: Transaction, *, username: str, password_hash: str, by: str
) -> User:
    """Create a super_admin who signs in as `username`. Raises UserExists."""
    user = await add(tx, Person(name=ADMINISTRATOR), role=Role.SUPER_ADMIN, by=by)
    await set_password(tx, user, password_hash, login=username, by=by)
    return user


async def username_of(tx: Transaction, user: User) -> str | None:
    """What `user` signs in as, if they can."""
    credential = await UserRepository(tx.session).credential(user.user_id)
    if credential is None:
        return None
    key = await tx.vault.key(user.principal_id)
    return key.open("credentials.username", str(user.user_id), credential.username)


async def _name_login(tx: Transaction, credential: Credential, login: str) -> None:
    index = login_index(tx, login)
    if await UserRepository(tx.session).by_login(index):
        raise UserExists("There is a user with this login.")
    key = await tx.vault.key(principal_of(credential.user_id))
    credential.login_index = index
    credential.username = key.seal("credentials.username", str(credential.user_id), login)
