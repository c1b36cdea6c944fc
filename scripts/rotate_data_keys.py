"""Give the keyring another key while everything runs: `make rotate-data-keys`.

Adds a key to `keyring.json`, waits until every process can read it, and wraps every data key and
every kept reply again. It may be killed and run again. Afterwards `--retire` takes the older keys
out of the file, and refuses as long as anything hangs on one. Back the keyring up before and
after. With a database per service, name each (`USERS_DATABASE_URL=…`), or one with `--service`.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from libs.common.cli import STOPPED, Refused, keep_to_owner, must_be_there, told
from libs.common.clock import monotonic, utc_now
from libs.common.crypto.keyring import Keyring, KeyringError, ServiceKeys
from libs.common.crypto.rotating import GRACE_SECONDS, begin, is_settled, retire
from libs.common.crypto.sealing import CannotOpen
from libs.common.db.base import Ground
from libs.common.db.engine import Database
from libs.common.db.rewrapping import Wrapped, check, left, rewrap, wrapped_in
from libs.common.db.uow import UnitOfWork
from libs.common.errors import AppError
from libs.common.settings import ServiceSettings, SharedSettings
from services.chat.models import GROUND as CHAT
from services.chat.settings import ChatSettings
from services.files.models import GROUND as FILES
from services.files.settings import FilesSettings
from services.grievance.models import GROUND as GRIEVANCE
from services.grievance.settings import GrievanceSettings
from services.tasks.models import GROUND as TASKS
from services.tasks.settings import TasksSettings
from services.users.models import GROUND as USERS, Base as UsersBase
from services.users.settings import UsersSettings

SERVICES: dict[str, tuple[Ground, type[ServiceSettings]]] = {
    "users": (USERS, UsersSettings),
    "grievance": (GRIEVANCE, GrievanceSettings),
    "files": (FILES, FilesSettings),
    "tasks": (TASKS, TasksSettings),
    "chat": (CHAT, ChatSettings),
}
MORE = {"users": (Wrapped(UsersBase.metadata.tables["otp_challenges"], "challenge_id", "sealed"),)}
"""What the keyring wraps in one service alone."""

REST = 1.0
"""As long as a batch took, times this, the database rests: others write too."""
WIDTH = 30
LONGEST_GRACE = 3600.0


class Hanging(Exception):
    """Something still hangs on an older key."""


@dataclass(frozen=True, slots=True)
class Place:
    """One column of one service, and the keys it is wrapped with."""

    service: str
    database: Database
    keys: ServiceKeys
    column: Wrapped

    @property
    def name(self) -> str:
        """What the progress bar calls it."""
        return f"{self.service}.{self.column.table.name}"


async def rotate(shared: SharedSettings, services: Sequence[str], *, grace: float) -> int:
    """Add a key, or go on with the one that was added, and wrap all anew; answer how many rows."""
    path = shared.keys / "keyring.json"
    async with AsyncExitStack() as stack:
        places = await _open(stack, shared, path, services)
        for place in places:
            await check(place.database, place.keys, place.column)
        ring = begin(path, now=utc_now(), grace=grace)
        places = await _open(stack, shared, path, services)
        await _until_everybody_reads(ring)
        total = 0
        while count := sum([await _rewrapped(place) for place in places]):
            total += count
    kid = Keyring.load(path).writes_with(utc_now())
    _say(f"{total} rows wrapped with {kid}. Then: make rotate-data-keys RETIRE=1\n")
    return total


async def end(shared: SharedSettings, services: Sequence[str]) -> tuple[str, ...]:
    """Take the older keys out. Raises Hanging."""
    path = shared.keys / "keyring.json"
    ring, now = Keyring.load(path), utc_now()
    if not is_settled(ring, now=now):
        raise Hanging("The new key is younger than a transaction may be old: try in half a minute.")
    async with AsyncExitStack() as stack:
        places = await _open(stack, shared, path, services)
        kid = ring.writes_with(now)
        counts = {place.name: await left(place.database, place.column, kid) for place in places}
    if any(counts.values()):
        found = ", ".join(f"{name}: {count}" for name, count in counts.items() if count)
        raise Hanging(f"Rows still wrapped with an older key: {found}. Rotate first.")
    gone = retire(path, now=now)
    _say(f"Taken out: {', '.join(gone) or 'none'}. Every row is wrapped with {kid}.\n")
    return gone


async def _open(
    stack: AsyncExitStack, shared: SharedSettings, path: Path, services: Sequence[str]
) -> list[Place]:
    ring, places = Keyring.load(path), []
    for name in services:
        ground, settings = SERVICES[name]
        database = Database(settings(shared=shared).database(name), schema=name, pool_size=2)
        stack.push_async_callback(database.close)
        must_be_there(database.file)
        keys = ring.of(name)
        uow = UnitOfWork(database, service=name, ground=ground, keys=keys)
        await uow.check_keyring(note=False)
        columns = (*wrapped_in(ground), *MORE.get(name, ()))
        places += [Place(name, database, keys, column) for column in columns]
    return places


async def _until_everybody_reads(ring: Keyring) -> None:
    if ring.next_from is None:
        return
    seconds = (ring.next_from - utc_now()).total_seconds()
    if seconds > 0:
        _say(f"{ring.next} is in the keyring; in {seconds:.0f} s it is written with.\n")
        await asyncio.sleep(seconds)


async def _rewrapped(place: Place) -> int:
    whole = await left(place.database, place.column, place.keys.active)
    began, done, mark = monotonic(), 0, monotonic()
    async for count in rewrap(place.database, place.keys, place.column):
        done += count
        rate = done / max(monotonic() - began, 1e-6)
        filled = WIDTH * min(done, whole) // max(whole, 1)
        bar = "#" * filled + "." * (WIDTH - filled)
        _say(f"\r{place.name:28} [{bar}] {done}/{whole}  {rate:.0f} rows/s")
        await asyncio.sleep((monotonic() - mark) * REST)
        mark = monotonic()
    if done:
        _say("\n")
    return done


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def main() -> None:
    """Read the command line and rotate."""
    parser = argparse.ArgumentParser(prog="make rotate-data-keys", description=__doc__)
    parser.add_argument(
        "--retire",
        action="store_true",
        help="take the older keys out, if no service has need of them",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=GRACE_SECONDS,
        metavar="SECONDS",
        help=f"until the new key is written with (default and least {GRACE_SECONDS:.0f})",
    )
    parser.add_argument("--service", action="append", choices=list(SERVICES), help="all without")
    given = parser.parse_args()
    if not GRACE_SECONDS <= given.grace <= LONGEST_GRACE:
        parser.error(f"--grace is {GRACE_SECONDS:.0f} to {LONGEST_GRACE:.0f} seconds")
    shared, services = SharedSettings(), given.service or list(SERVICES)
    keep_to_owner(shared)
    try:
        if given.retire:
            asyncio.run(end(shared, list(SERVICES)))
        else:
            asyncio.run(rotate(shared, services, grace=given.grace))
    except (Hanging, Refused, KeyringError, AppError, OSError) as refusal:
        sys.stderr.write(f"rotate-data-keys: {told(refusal)}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("\nrotate-data-keys: stopped; called again, it goes on from here.\n")
        sys.exit(STOPPED)
    except CannotOpen:
        sys.stderr.write("rotate-data-keys: the keyring is not the one of this data.\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
