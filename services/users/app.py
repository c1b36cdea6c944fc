"""The users service, put together."""

import argparse
import os
import sys
from pathlib import Path

import httpx2
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError

from libs.common.bus.protocol import Bus
from libs.common.cli import Refused
from libs.common.crypto.keyring import CannotOpen
from libs.common.db.engine import Database
from libs.common.db.migrations import check_head, migrate
from libs.common.db.uow import UnitOfWork
from libs.common.web.service import Service, open_keyring
from services.users.clients import GrievanceClient
from services.users.domain.passwords import Passwords, new_password
from services.users.domain.signing_in import appoint_super_admin
from services.users.events import hears
from services.users.models import GROUND
from services.users.repository import UserRepository
from services.users.routes import api_keys, auth, internal, oauth, seed, users
from services.users.schemas import MIN_PASSWORD, Password, Username
from services.users.settings import UsersSettings

FIRST_LOGIN = "admin"
PASSWORD_FILE = "admin-password"  # noqa: S105 - a name


def create_app(
    settings: UsersSettings, *, bus: Bus, transport: httpx2.AsyncBaseTransport | None = None
) -> FastAPI:
    """The app; `transport` carries calls to peers (the network without one)."""
    service = Service.open("users", settings, ground=GROUND, bus=bus, transport=transport)
    passwords = Passwords(memory_kib=settings.argon_memory_kib)

    async def prepare() -> None:
        if settings.shared.is_embedded:
            await appoint_first(service.uow, passwords, settings.shared.data_dir / PASSWORD_FILE)

    return service.app(
        routers=[
            auth.routes,
            oauth.routes,
            users.routes,
            api_keys.routes,
            internal.routes,
            seed.routes,
        ],
        consumer=hears(GrievanceClient(service.peer("grievance"))),
        prepare=prepare,
        state={
            "passwords": passwords,
            "signer": service.signer,
            "public_keys": service.keys,
            "cache": service.cache,
            "settings": settings,
        },
    )


async def appoint_first(uow: UnitOfWork, passwords: Passwords, file: Path) -> None:
    """On the very first start, appoint the one who appoints everybody else.

    The password is in `file` before it is in the database: whatever ends the process in between,
    the next start begins again, and nobody is locked out.
    """
    async with uow.read() as tx:
        if await UserRepository(tx.session).has_super_admin():
            return
    password = new_password()
    kept = await passwords.hash(password)
    _write_secret(file, password)
    async with uow.begin() as tx:
        await appoint_super_admin(tx, username=FIRST_LOGIN, password_hash=kept, by="first start")


async def create_admin(settings: UsersSettings, arguments: argparse.Namespace) -> None:
    """Appoint a super_admin from the command line: the password comes from stdin, or is made."""
    given = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    try:
        username = TypeAdapter(Username).validate_python(arguments.username)
        password = TypeAdapter(Password).validate_python(given or new_password())
    except ValidationError:
        raise Refused(
            f"A username is 3 to 100 of A-Z a-z 0-9 . _ @ + -, beginning with a letter; "
            f"a password has at least {MIN_PASSWORD} characters."
        ) from None
    database = Database(settings.database("users"), schema="users")
    uow = UnitOfWork(
        database, service="users", ground=GROUND, keys=open_keyring(settings).of("users")
    )
    try:
        # The first command of an installation may well be this one.
        await (migrate if settings.shared.is_embedded else check_head)(database, "users")
        await uow.check_keyring()
        kept = await Passwords(memory_kib=settings.argon_memory_kib).hash(password)
        async with uow.begin() as tx:
            await appoint_super_admin(tx, username=username, password_hash=kept, by="command line")
    except CannotOpen:
        raise Refused("The keyring is not the one the data was written with.") from None
    finally:
        await database.close()
    sys.stdout.write(f"{username} is a super_admin.\n")
    if not given:
        sys.stdout.write(f"Password, shown this once: {password}\n")


def _write_secret(file: Path, secret: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(f"{secret}\n")
        out.flush()
        os.fsync(out.fileno())
