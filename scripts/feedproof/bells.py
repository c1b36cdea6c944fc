"""A small program with the real unit of work and relay: bells that are struck, and say so."""

import random
import time
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Column, Integer, String, Table, select

from libs.common.bus.factory import open_bus
from libs.common.bus.protocol import Bus
from libs.common.crypto.keyring import Keyring
from libs.common.db.base import Ground, ground, service_metadata
from libs.common.db.engine import Database
from libs.common.db.migrations import _run_sync
from libs.common.db.uow import UnitOfWork
from libs.common.events import Event
from libs.common.messaging.relay import Relay

METADATA = service_metadata()
GROUND: Ground = ground(METADATA)
BELLS = Table(
    "bells", METADATA, Column("tower", String(20), primary_key=True), Column("strokes", Integer)
)
TOWERS = [f"tower-{number:02}" for number in range(20)]
QUEUE = "listener"
HOLDER = "feedproof"
"""One relay after the other: each life goes on with the lease of the one that died."""


class Tolled(Event):
    """A bell was struck: the stroke is counted in the row that was changed with it."""

    topic: ClassVar[str] = "bell.tolled.v1"
    about: ClassVar[str] = "tower"

    tower: str
    stroke: int


class Site:
    """Where the bells hang: a database, a bus, a keyring."""

    def __init__(self, folder: Path, database_url: str, bus_url: str, prefix: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.bus_url = bus_url
        self.prefix = prefix

    def uow(self) -> UnitOfWork:
        """The unit of work, newly opened: every life has its own."""
        database = Database(self.database_url, schema="public", pool_size=4)
        keys = Keyring.load(self.folder / "keyring.json").of("bells")
        return UnitOfWork(database, service="bells", ground=GROUND, keys=keys)

    def bus(self) -> Bus:
        """The bus, not yet started."""
        return open_bus(self.bus_url, name="bells", prefix=self.prefix)

    async def prepare(self) -> None:
        """Tables, twenty silent bells, and somebody who listens to all of them."""
        Keyring.create(self.folder / "keyring.json")
        uow = self.uow()
        await _run_sync(uow.database.engine, METADATA.create_all)
        async with uow.begin() as tx:
            for tower in TOWERS:
                tx.insert(BELLS, tower=tower, strokes=0)
        await uow.database.close()
        bus = self.bus()
        await bus.start()
        await bus.declare(QUEUE, ["#"], restricted=False)
        await bus.close()


async def strike(uow: UnitOfWork, chance: random.Random) -> None:
    """Strike a bell: the row and the fact in one transaction."""
    tower = chance.choice(TOWERS)
    async with uow.begin() as tx:
        mine = BELLS.c.tower == tower
        found = await tx.session.scalar(select(BELLS.c.strokes).where(mine).with_for_update())
        stroke = int(found or 0) + 1
        await tx.session.execute(BELLS.update().where(mine).values(strokes=stroke))
        tx.publish(Tolled(tower=tower, stroke=stroke))


def relay_of(uow: UnitOfWork, bus: Bus) -> Relay:
    """The real relay, which inherits the lease of the relay that was killed."""
    relay = Relay(uow, bus)
    relay._holder = HOLDER  # noqa: SLF001
    return relay


def chance() -> random.Random:
    """A plan of its own for each life."""
    return random.Random(time.time_ns())
