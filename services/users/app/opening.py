"""The users database for the length of one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.cli import Refused
from libs.common.crypto.keyring import CannotOpen
from libs.common.db.engine import Database
from libs.common.db.migrations import check_head, migrate
from libs.common.db.uow import UnitOfWork
from libs.common.web.service import open_keyring
from services.users.models import GROUND
from services.users.settings import UsersSettings


@asynccontextmanager
async def opened(settings: UsersSettings) -> AsyncIterator[UnitOfWork]:
    """A unit of work beside a running system, or before its first start. Raises Refused."""
    keys = open_keyring(settings).of("users")
    database = Database(settings.database("users"), schema="users")
    uow = UnitOfWork(database, service="users", ground=GROUND, keys=keys)
    try:
        # The first command of an installation may well be this one.
        await (migrate if settings.shared.is_embedded else check_head)(database, "users")
        await uow.check_keyring()
        yield uow
    except CannotOpen:
        raise Refused("The keyring is not the one the data was written with.") from None
    finally:
        await database.close()
