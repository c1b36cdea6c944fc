"""Rounds of tidying: bytes nobody's row knows, and files of cases nobody ever filed."""

import time
from datetime import timedelta

from libs.common.clock import utc_now
from libs.common.db.uow import UnitOfWork
from libs.common.logging import get_logger
from services.files.clients.store import Store
from services.files.domain.storing import forget
from services.files.repository import FileRepository

log = get_logger(__name__)
BATCH = 100


async def sweep(
    uow: UnitOfWork, store: Store, *, orphan_seconds: float, caseless_seconds: float
) -> int:
    """Forget what a crash left behind; answer how many files that were."""

    async def known(paths: list[str]) -> set[str]:
        async with uow.read() as tx:
            return await FileRepository(tx.session).known_paths(paths)

    count = await sweep_caseless(uow, store, seconds=caseless_seconds)
    # A row is written within a minute of its bytes, or never.
    count += await store.sweep(known, before=time.time() - orphan_seconds)
    if count:
        log.info("files.swept", count=count)
    return count


async def sweep_caseless(uow: UnitOfWork, store: Store, *, seconds: float) -> int:
    """Forget files that came inside a filing which never succeeded."""
    async with uow.begin() as tx:
        before = utc_now() - timedelta(seconds=seconds)
        files = await FileRepository(tx.session).caseless(before, limit=BATCH)
        places = [at for file in files for at in await forget(tx, file)]
    await store.remove(*places)
    return len(files)
