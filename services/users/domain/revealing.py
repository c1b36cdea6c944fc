"""Seeing personal data in plain text: for a reason, for a minute or two, and never unseen.

What is asked here is written down first. Only when that is in the database, are the sealed columns
read: nobody sees anything of which no row remains.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from libs.common.errors import Invalid, TooManyRequests
from libs.common.ids import new_id
from libs.common.logging import get_logger
from libs.common.principal import SEAH_ROLES, Principal
from services.users.domain.auditing import record
from services.users.domain.contacting import KATHMANDU
from services.users.models import Act, Reveal, principal_of
from services.users.repository.privacy import RevealRepository

log = get_logger(__name__)

STANDARD_LIFE = timedelta(seconds=120)
RESTRICTED_LIFE = timedelta(seconds=60)
MANY_IN_AN_HOUR = 3
SATURDAY = 5
OFFICE_HOURS = range(10, 17)
"""Sunday to Friday, in Kathmandu (domain.md)."""
NOT_FOUND = "USER_NOT_FOUND"


class RevealReason(StrEnum):
    """Why somebody's data may be seen (domain.md)."""

    IMMEDIATE_SAFEGUARDING = "immediate_safeguarding"
    CONTACT_COMPLAINANT = "contact_complainant"
    VERIFY_IDENTITY = "verify_identity"
    LEGAL_REQUEST = "legal_request"
    GRC_HEARING = "grc_hearing"
    QUALITY_REVIEW = "quality_review"


class UnknownReason(Invalid):
    """Not one of the six reasons."""

    code = "REVEAL_REASON_UNKNOWN"


class QuotaReached(TooManyRequests):
    """Enough was revealed to this caller for a day; asking again is noticed."""

    code = "REVEAL_QUOTA"


class Alert(StrEnum):
    """What somebody should look into."""

    DENIED = "denied"
    MANY = "many"
    OFF_HOURS = "off_hours"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, and why."""

    user_id: int
    reason: RevealReason
    fields: tuple[str, ...]
    grievance_id: str | None
    """The case it is for, once grievance said that it is one of this person's."""
    is_restricted: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided: granted until then, or refused with a code."""

    reveal_id: str
    asked_at: datetime
    expires_at: datetime | None
    refused: str | None
    alerts: tuple[Alert, ...]


def reason_of(text: str) -> RevealReason:
    """The reason `text` names. Raises UnknownReason."""
    try:
        return RevealReason(text)
    except ValueError:
        raise UnknownReason(
            "Name one of the reasons.", reasons=[each.value for each in RevealReason]
        ) from None


def is_off_hours(now: datetime) -> bool:
    """Whether nobody is expected to be at work."""
    here = now.astimezone(KATHMANDU)
    return here.weekday() == SATURDAY or here.hour not in OFFICE_HOURS


async def ask(tx: Transaction, wanted: Wanted, *, by: Principal, quota: int) -> Outcome:
    """Write down that `by` is shown this, or that they had their share for a day."""
    repository = RevealRepository(tx.session)
    kind, _, number = by.id.partition(":")
    if kind == "user" and number.isdecimal():
        await repository.take_turn(int(number))
    now = utc_now()
    if await repository.granted_since(by.id, now - timedelta(days=1)) >= quota:
        return _write(tx, wanted, by=by, now=now, refused=QuotaReached.code)
    in_an_hour = await repository.granted_since(by.id, now - timedelta(hours=1)) + 1
    return _write(tx, wanted, by=by, now=now, is_many=in_an_hour > MANY_IN_AN_HOUR)


def refuse(tx: Transaction, wanted: Wanted, *, by: Principal, exists: bool) -> Outcome:
    """Write down that `by` asked for somebody they do not see, who may not even exist."""
    return _write(tx, wanted, by=by, now=utc_now(), refused=NOT_FOUND, has_row=exists)


async def close(tx: Transaction, reveal_id: str, *, by: Principal) -> Reveal:
    """The caller looks no more; closing twice is closing once. Raises RevealNotFound."""
    row = await RevealRepository(tx.session).own(reveal_id, by=by.id)
    if row.closed_at is None:
        row.closed_at = utc_now()
        record(
            tx,
            Act.REVEAL_CLOSED,
            by=by,
            about=principal_of(row.user_id),
            restricted=row.restricted,
            reveal_id=reveal_id,
        )
    return row


def raise_alerts(outcome: Outcome, user_id: int) -> None:
    """Have whoever watches the logs know, once it is written down."""
    for alert in outcome.alerts:
        log.warning(
            "reveal.alert", reason=alert.value, reveal_id=outcome.reveal_id, user_id=user_id
        )


def quota_of(by: Principal, *, standard: int, seah: int) -> int:
    """How much `by` may see in a day."""
    return seah if by.role in SEAH_ROLES else standard


def _write(
    tx: Transaction,
    wanted: Wanted,
    *,
    by: Principal,
    now: datetime,
    refused: str | None = None,
    is_many: bool = False,
    has_row: bool = True,
) -> Outcome:
    restricted = wanted.is_restricted or by.role in SEAH_ROLES
    life = RESTRICTED_LIFE if restricted else STANDARD_LIFE
    found = {Alert.DENIED: refused, Alert.MANY: is_many, Alert.OFF_HOURS: is_off_hours(now)}
    outcome = Outcome(
        reveal_id=new_id(),
        asked_at=now,
        expires_at=None if refused else now + life,
        refused=refused,
        alerts=tuple(alert for alert, is_so in found.items() if is_so),
    )
    if has_row:
        tx.insert(
            Reveal,
            reveal_id=outcome.reveal_id,
            user_id=wanted.user_id,
            by=by.id,
            reason=wanted.reason.value,
            grievance_id=wanted.grievance_id,
            fields=list(wanted.fields),
            restricted=restricted,
            refused=refused,
            asked_at=now,
            expires_at=outcome.expires_at,
            closed_at=None,
        )
    _tell(tx, wanted, outcome, by=by, restricted=restricted)
    return outcome


def _tell(
    tx: Transaction, wanted: Wanted, outcome: Outcome, *, by: Principal, restricted: bool
) -> None:
    target = principal_of(wanted.user_id)
    act = Act.REVEAL_REFUSED if outcome.refused else Act.REVEAL_GRANTED
    details = {"reveal_id": outcome.reveal_id, "fields": list(wanted.fields)}
    more = {"grievance_id": wanted.grievance_id, "code": outcome.refused}
    details |= {name: value for name, value in more.items() if value is not None}
    record(
        tx, act, by=by, about=target, reason=wanted.reason.value, restricted=restricted, **details
    )
    for alert in outcome.alerts:
        record(
            tx,
            Act.REVEAL_ALERT,
            by=by,
            about=target,
            reason=alert.value,
            restricted=restricted,
            reveal_id=outcome.reveal_id,
        )
