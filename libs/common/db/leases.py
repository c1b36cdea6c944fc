"""Leases: one replica at a time does what only one may do.

Time is the database's, so replicas with wrong clocks agree. A lease is renewed inside the
transaction whose work it guards: whoever lost it finds out before it commits.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.clock import utc_now
from libs.common.db.base import Ground
from libs.common.db.types import UtcDateTime
from libs.common.db.writes import changed, insert_new


def database_now(session: AsyncSession) -> ColumnElement[Any]:
    """This moment by the database's clock; SQLite's is this machine's."""
    if session.get_bind().dialect.name == "postgresql":
        return func.clock_timestamp()
    return bindparam(None, utc_now(), type_=UtcDateTime())


async def hold(
    session: AsyncSession, ground: Ground, name: str, *, holder: str, seconds: float
) -> bool:
    """Take or renew the lease `name` for `seconds`; False when another holds it."""
    table = ground.leases
    now = (await session.execute(select(database_now(session)))).scalar_one()
    until = now + timedelta(seconds=seconds)
    mine = (table.c.holder == holder) | (table.c.until < now)
    renewal = update(table).where(table.c.name == name, mine).values(holder=holder, until=until)
    if await changed(session, renewal):
        return True
    return await insert_new(session, table, name=name, holder=holder, until=until)


async def give_back(session: AsyncSession, ground: Ground, name: str, *, holder: str) -> None:
    """Let another take the lease `name` at once, if `holder` holds it."""
    table = ground.leases
    own = delete(table).where(table.c.name == name, table.c.holder == holder)
    await session.execute(own)
