"""Handing somebody everything that is held on them: asked for, put together elsewhere, kept sealed.

An archive is sealed with a key of its own, and that with the person's: erasing them takes it along.
Whoever has a link may take it away, for a quarter of an hour; asking for its state makes a new one.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from libs.common.clock import utc_now
from libs.common.contracts.users import ExportRequested
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict, NotFound
from libs.common.ids import new_id
from libs.common.principal import Principal
from services.users.domain.auditing import record
from services.users.models import Act, Export, principal_of
from services.users.repository.archives import Kept
from services.users.repository.people import UserNotFound, UserRepository
from services.users.repository.privacy_exporting import ExportRepository

MAX_BYTES = 2 * 1024**3
LINK_LASTS = timedelta(minutes=15)
GIVEN_UP_AFTER = timedelta(hours=1)
"""A task that has not delivered by then never will."""
KEY = "exports.key"


class ExportState(StrEnum):
    """How far an export has come."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"
    ERASED = "erased"


class ExportNotFound(NotFound):
    """No such export, none of this caller's, or none any more."""

    code = "EXPORT_NOT_FOUND"


class LateArchive(Conflict):
    """Another attempt has delivered this archive, or nobody waits for it any more."""

    code = "LATE_ATTEMPT"


@dataclass(frozen=True, slots=True)
class Link:
    """What lets anybody who has it take an archive away, until it ends."""

    expires: int
    signature: str

    @property
    def ends_at(self) -> datetime:
        """When it opens nothing any more."""
        return datetime.fromtimestamp(self.expires, UTC)


async def begin(tx: Transaction, user_id: int, *, by: Principal, anew: bool) -> Export:
    """Have everything put together, or answer with what is under way or, unless `anew`, ready.

    One at a time for each person: their row is the lock.
    """
    user = await UserRepository(tx.session).get(user_id, for_update=True)
    if user.erased_at is not None:
        raise UserNotFound("There is no such user.")
    now = utc_now()
    current = await ExportRepository(tx.session).newest(user_id)
    if current is not None and current.state == ExportState.PENDING:
        if now - current.requested_at < GIVEN_UP_AFTER:
            return current
        current.state = ExportState.FAILED
    if current is not None and current.state == ExportState.READY and not anew:
        return current
    export = Export(
        export_id=new_id(), user_id=user_id, state=ExportState.PENDING, requested_at=now
    )
    tx.session.add(export)
    tx.publish(ExportRequested(export_id=export.export_id, user_id=user_id))
    record(tx, Act.EXPORT_REQUESTED, by=by, about=principal_of(user_id))
    return export


async def awaited(tx: Transaction, export_id: str) -> Export:
    """An export whose archive is still to come, held. Raises ExportNotFound, LateArchive."""
    export = await ExportRepository(tx.session).find(export_id, for_update=True)
    if export is None:
        raise ExportNotFound("There is no such export.")
    if export.state != ExportState.PENDING:
        raise LateArchive("Nobody waits for this archive any more.", state=export.state)
    return export


async def deliver(tx: Transaction, export_id: str, kept: Kept, *, keep_days: int) -> None:
    """The archive lies in its place: its owner may have it. Raises LateArchive, Erased."""
    export = await awaited(tx, export_id)
    key = await tx.vault.key(principal_of(export.user_id))
    export.key = key.seal(KEY, export_id, base64.b64encode(kept.key).decode())
    export.state, export.stored_as = ExportState.READY, kept.stored_as
    export.size, export.sha256 = kept.size, kept.sha256
    export.ready_at = utc_now()
    export.expires_at = export.ready_at + timedelta(days=keep_days)


async def own(tx: Transaction, export_id: str, *, user_id: int) -> Export:
    """An export of the caller's. Raises ExportNotFound."""
    export = await ExportRepository(tx.session).find(export_id)
    if export is None or export.user_id != user_id:
        raise ExportNotFound("There is no such export.")
    return export


def link_to(tx: Transaction, export: Export) -> Link | None:
    """A link to an archive that is ready."""
    if export.state != ExportState.READY:
        return None
    expires = int((utc_now() + LINK_LASTS).timestamp())
    return Link(expires, _signature(tx, export.export_id, expires))


async def taken(tx: Transaction, export_id: str, link: Link) -> tuple[Export, bytes]:
    """The export a link is good for, and the key of its archive. Raises ExportNotFound.

    That it was taken away is written down before the first byte leaves.
    """
    wanted = _signature(tx, export_id, link.expires)
    is_good = hmac.compare_digest(wanted.encode(), link.signature.encode())
    if not is_good or link.ends_at <= utc_now():
        raise ExportNotFound("This link is good for nothing any more.")
    export = await ExportRepository(tx.session).find(export_id)
    if export is None or export.state != ExportState.READY or export.key is None:
        raise ExportNotFound("There is no such export.")
    owner = principal_of(export.user_id)
    key = await tx.vault.key(owner)
    record(tx, Act.EXPORT_TAKEN, by=owner, about=owner)
    return export, base64.b64decode(key.open(KEY, export_id, export.key))


async def expire(tx: Transaction) -> list[str]:
    """End what was kept long enough; answer where the archives lie."""
    places = []
    for export in await ExportRepository(tx.session).over(utc_now()):
        places.append(export.stored_as or "")
        export.state, export.key, export.stored_as = ExportState.EXPIRED, None, None
    return [place for place in places if place]


def _signature(tx: Transaction, export_id: str, expires: int) -> str:
    return tx.vault.blind("export_link", f"{export_id}:{expires}").hex()
