"""How long what is kept is kept: rules as rows, and the round that holds to them."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from libs.common.errors import NotFound
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


class RetentionRuleNotFound(NotFound):
    """There is no such kind of data."""

    code = "RETENTION_RULE_NOT_FOUND"


DEFAULT_DAYS = {
    Kind.OTP_CHALLENGES: otp.KEPT.days,
    Kind.ENDED_SESSIONS: sessions.KEPT_FOR.days,
    Kind.REVEALS: 365,
    Kind.EXPORTS: 7,
}


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
        kind: Rule(kind, said.get(kind, days), kind not in said)
        for kind, days in DEFAULT_DAYS.items()
    }


async def set_rule(tx: Transaction, kind: Kind, keep_days: int, *, by: Principal) -> Rule:
    """Keep a kind for so long from now on."""
    await RetentionRepository(tx.session).put(kind, keep_days, by=by.id, at=utc_now())
    record(tx, Act.RETENTION_CHANGED, by=by, about=f"retention:{kind}", keep_days=keep_days)
    return Rule(kind, keep_days, is_default=False)


async def apply(tx: Transaction) -> None:
    """Delete what was kept long enough. Exports end at the time they were given."""
    kept = {kind: timedelta(days=rule.keep_days) for kind, rule in (await rules(tx)).items()}
    await otp.tidy(tx, kept=kept[Kind.OTP_CHALLENGES])
    await sessions.forget(tx, kept=kept[Kind.ENDED_SESSIONS])
    await RetentionRepository(tx.session).forget_reveals(utc_now() - kept[Kind.REVEALS])
