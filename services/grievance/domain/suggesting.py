"""What the language engine says about a case: kept as a suggestion, never as a decision."""

from dataclasses import dataclass

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from services.grievance.domain.handling import classify
from services.grievance.domain.texts import Texts
from services.grievance.models import ClassificationStatus, Grievance


@dataclass(frozen=True, slots=True)
class Reading:
    """What the engine read out of a description."""

    categories: tuple[str, ...]
    summary: str


async def adopt(tx: Transaction, grievance: Grievance, reading: Reading) -> None:
    """Keep the engine's reading, unless a person has already said what the case is about.

    What was read before somebody was erased, and comes after, is not kept.
    """
    if ClassificationStatus(grievance.classification_status).is_confirmed:
        return
    if (await Texts.of(tx, grievance)).is_erased:
        return
    if reading.summary and grievance.summary is None:
        key = await tx.vault.key(grievance.subject)
        grievance.summary = key.seal("grievances.summary", grievance.grievance_id, reading.summary)
    status = ClassificationStatus.SUGGESTED if reading.categories else ClassificationStatus.SKIPPED
    classify(tx, grievance, reading.categories, status=status)
    grievance.updated_at = utc_now()
