"""What an operator does from the command line, beside a running system or without one.

Secrets come by stdin: arguments are everybody's to read. What is done here is audited as done by
the command line.
"""

import argparse
import sys

from pydantic import TypeAdapter, ValidationError

from libs.common import tokens
from libs.common.cli import Refused
from libs.common.db.uow import Transaction
from services.users.app.opening import opened
from services.users.domain import api_keys, second_factor, sessions
from services.users.domain.auditing import record
from services.users.domain.passwords import (
    Passwords,
    PasswordTooWeak,
    check_strength,
    new_password,
)
from services.users.domain.signing_in import appoint_super_admin, login_index
from services.users.domain.verifying import verify
from services.users.models import Act, User
from services.users.repository.people import UserRepository
from services.users.repository.sessions import SessionRepository
from services.users.schemas.fields import MIN_PASSWORD, Password, Username
from services.users.settings import UsersSettings

BY = "command line"


async def create_admin(settings: UsersSettings, arguments: argparse.Namespace) -> None:
    """Appoint a super_admin: the password comes from stdin, or is made."""
    given = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    try:
        username = TypeAdapter(Username).validate_python(arguments.username)
        password = TypeAdapter(Password).validate_python(given or new_password())
    except ValidationError:
        raise Refused(
            f"A username is 3 to 100 of A-Z a-z 0-9 . _ @ + -, beginning with a letter; "
            f"a password has at least {MIN_PASSWORD} characters."
        ) from None
    if given:
        try:
            await check_strength(password, about=[username])
        except PasswordTooWeak as weak:
            raise Refused(" ".join([weak.message, *weak.suggestions])) from None
    async with opened(settings, first=True) as uow:
        kept = await Passwords(memory_kib=settings.argon_memory_kib).hash(password)
        async with uow.begin() as tx:
            await appoint_super_admin(tx, username=username, password_hash=kept, by=BY)
    _tell(f"{username} is a super_admin in {uow.database.place}.")
    if not given:
        _tell(f"Password, shown this once: {password}")


async def reset_totp(settings: UsersSettings, arguments: argparse.Namespace) -> None:
    """Take somebody's second factor away, and sign them out everywhere."""
    async with opened(settings) as uow, uow.begin() as tx:
        user = await _signing_in_as(tx, arguments.username)
        if not await second_factor.reset(tx, user.user_id, by=BY):
            raise Refused("They have no second factor; there is nothing to reset.")
    _tell("Their second factor is gone and their sessions are ended: they enrol a new one now.")


async def revoke(settings: UsersSettings, arguments: argparse.Namespace) -> None:
    """End all sessions of somebody, or one of them, or have an API key open nothing."""
    async with opened(settings) as uow, uow.begin() as tx:
        if arguments.username is not None:
            user = await _signing_in_as(tx, arguments.username)
            await sessions.end_all(tx, user.user_id, why=sessions.REVOKED, by=BY)
        elif arguments.session is not None:
            if await SessionRepository(tx.session).get(arguments.session) is None:
                raise Refused("There is no such session.")
            await sessions.end(tx, arguments.session, why=sessions.REVOKED, by=BY)
        else:
            if arguments.api_key.startswith("rdr_"):
                raise Refused("Name the key by its id; now that it stood here, revoke it.")
            await api_keys.revoke(tx, arguments.api_key, by=BY)
    _tell("Done. It is refused everywhere within five seconds.")


async def rotate(settings: UsersSettings, arguments: argparse.Namespace) -> None:
    """Give users a new key to sign tokens with; the old one verifies until its tokens are over."""
    async with opened(settings) as uow:
        try:
            done = tokens.rotate("users", settings.shared.keys, withdraw=arguments.withdraw)
        except tokens.UnderWay as error:
            raise Refused(f"{error} Wait a minute, or withdraw it.") from None
        async with uow.begin() as tx:
            why = "withdrawn" if arguments.withdraw else None
            about = f"signing_key:{done.kid}"
            record(tx, Act.SIGNING_KEY_ROTATED, by=BY, about=about, reason=why)
    when = "now" if arguments.withdraw else f"in {tokens.AFTER_SECONDS:.0f} seconds"
    _tell(f"{done.kid} signs {when}.")
    if arguments.withdraw:
        _tell("No token of an older key holds any more: everybody signs in again.")


async def verify_audit(settings: UsersSettings, arguments: argparse.Namespace) -> None:
    """Read the whole audit log. Raises Refused when it is not what was written."""
    folder = arguments.seals or settings.audit_seals
    if arguments.seals and not folder.is_dir():
        raise Refused("There is no such folder of seals.")
    async with opened(settings) as uow:
        report = await verify(uow, tokens.PublicKeys(settings.shared.keys), folder)
    _tell(f"{report.rows} rows and {report.seals} seals checked.")
    if report.wrong:
        raise Refused(f"The audit log is broken at {report.wrong}.")
    if not report.rows:
        raise Refused("There is no row: nothing was ever recorded here, or all of it was taken.")
    _tell("The audit log holds.")


async def _signing_in_as(tx: Transaction, login: str) -> User:
    found = await UserRepository(tx.session).by_login(login_index(tx, login))
    if found is None:
        raise Refused("Nobody signs in under this name.")
    return found[0]


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
