"""The users database for the length of one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.cli import Refused, must_be_there
from libs.common.crypto.sealing import CannotOpen
from libs.common.db.engine import Database
from libs.common.db.migrations import check_head, migrate
from libs.common.db.uow import UnitOfWork
from libs.common.web.service import open_keyring
from services.users.models import GROUND
from services.users.settings import UsersSettings


@asynccontextmanager
async def opened(settings: UsersSettings, *, first: bool = False) -> AsyncIterator[UnitOfWork]:
    """A unit of work beside a running system; with `first`, also before its first start.

    Nothing is made but then. Raises Refused, BehindHead.
    """
    database = Database(settings.database("users"), schema="users")
    try:
        if not first:
            must_be_there(database.file)
        keys = open_keyring(settings).of("users")
        uow = UnitOfWork(database, service="users", ground=GROUND, keys=keys)
        is_made = first and settings.shared.is_embedded
        await (migrate if is_made else check_head)(database, "users")
        await uow.check_keyring(note=first)
        yield uow
    except CannotOpen:
        raise Refused("The keyring is not the one the data was written with.") from None
    finally:
        await database.close()
