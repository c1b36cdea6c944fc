"""How long what is kept is kept: rules as rows, and the round that holds to them here.

What chat and files keep is deleted by them: they ask for the rules.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from libs.common.errors import Invalid, NotFound
from libs.common.principal import Principal
from services.users.domain import otp, sessions
from services.users.domain.auditing import record
from services.users.models import Act
from services.users.repository.privacy_retaining import RetentionRepository


class Kind(StrEnum):
    """What a rule can be made for."""

    OTP_CHALLENGES = "otp_challenges"
    ENDED_SESSIONS = "ended_sessions"
    REVEALS = "reveals"
    EXPORTS = "exports"
    GUEST_CHATS = "guest_chats"
    SEAH_GUEST_CHATS = "seah_guest_chats"
    GUEST_FILES = "guest_files"


class RetentionRuleNotFound(NotFound):
    """There is no such kind of data."""

    code = "RETENTION_RULE_NOT_FOUND"


DEFAULT_DAYS = {
    Kind.OTP_CHALLENGES: otp.KEPT.days,
    Kind.ENDED_SESSIONS: sessions.KEPT_FOR.days,
    Kind.REVEALS: 365,
    Kind.EXPORTS: 7,
    Kind.GUEST_CHATS: 30,
    Kind.SEAH_GUEST_CHATS: 30,
    Kind.GUEST_FILES: 30,
}


LEAST_DAYS = {Kind.GUEST_FILES: 7}
"""A photo may still be filed: a guest talks for a day, and a confirmed filing may wait longer."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How long one kind is kept, and whether somebody said so."""

    kind: Kind
    keep_days: int
    is_default: bool


async def rules(tx: Transaction) -> dict[Kind, Rule]:
    """The rule of every kind."""
    said = await RetentionRepository(tx.session).rules()
    return {
        kind: Rule(kind, max(said.get(kind, days), LEAST_DAYS.get(kind, 0)), kind not in said)
        for kind, days in DEFAULT_DAYS.items()
    }


async def set_rule(tx: Transaction, kind: Kind, keep_days: int, *, by: Principal) -> Rule:
    """Keep a kind for so long from now on. Raises Invalid when it has need of more."""
    if keep_days < (least := LEAST_DAYS.get(kind, 1)):
        raise Invalid(f"This is kept for {least} days at least.", kind=kind, least=least)
    await RetentionRepository(tx.session).put(kind, keep_days, by=by.id, at=utc_now())
    record(tx, Act.RETENTION_CHANGED, by=by, about=f"retention:{kind}", keep_days=keep_days)
    return Rule(kind, keep_days, is_default=False)


async def apply(tx: Transaction) -> dict[Kind, int]:
    """Delete what was kept long enough; say how much. Exports end at the time they were given."""
    kept = {kind: timedelta(days=rule.keep_days) for kind, rule in (await rules(tx)).items()}
    reveals_before = utc_now() - kept[Kind.REVEALS]
    return {
        Kind.OTP_CHALLENGES: await otp.tidy(tx, kept=kept[Kind.OTP_CHALLENGES]),
        Kind.ENDED_SESSIONS: await sessions.forget(tx, kept=kept[Kind.ENDED_SESSIONS]),
        Kind.REVEALS: await RetentionRepository(tx.session).forget_reveals(reveals_before),
    }
