"""The audit log: what this service tells it, how it grows, and who reads what of it."""

from typing import Any

from libs.common import auditing
from libs.common.chain import link
from libs.common.contracts.audit import AuditRecorded
from libs.common.db.uow import Transaction
from libs.common.events import Envelope
from libs.common.principal import READS_SEAH, SEAH_ROLES, Principal
from services.users.models import Act, AuditRow
from services.users.repository.audit import CONTENT, AuditFilters, AuditRepository


def record(
    tx: Transaction,
    act: Act,
    *,
    by: Principal | str,
    about: str | None,
    reason: str | None = None,
    restricted: bool = False,
    **details: Any,
) -> None:
    """Write down who did what to whom."""
    auditing.record(tx, act, by=by, target=about, reason=reason, restricted=restricted, **details)


async def append(tx: Transaction, said: AuditRecorded, envelope: Envelope) -> None:
    """Add an act to the chain, at the time it was done. One row at a time: the head is the lock."""
    head = await AuditRepository(tx.session).locked_head()
    content = dict(
        zip(
            CONTENT,
            (
                envelope.id,
                envelope.source.removeprefix("/services/"),
                said.who,
                said.role,
                said.act,
                said.target,
                said.reason,
                said.details,
                said.is_restricted,
                envelope.time,
            ),
            strict=True,
        )
    )
    position, previous = head.position + 1, head.hash
    head.position, head.hash = position, link(previous, position, content)
    tx.insert(AuditRow, position=position, previous=previous, hash=head.hash, **content)


def visible_to(reader: Principal) -> frozenset[bool]:
    """Whether `reader` is shown restricted acts, the others, or both.

    Who works SEAH cases works nothing else, and to an auditor there is no such case.
    """
    if reader.role in SEAH_ROLES:
        return frozenset({True})
    if reader.role in READS_SEAH:
        return frozenset({True, False})
    return frozenset({False})


def note_reading(tx: Transaction, reader: Principal, filters: AuditFilters) -> None:
    """Write down that somebody read the log, and by what they looked: not for what."""
    given = [name for name in filters.__dataclass_fields__ if getattr(filters, name) is not None]
    record(tx, Act.AUDIT_READ, by=reader, about=None, filters=given)
