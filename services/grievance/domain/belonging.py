"""Where a case belongs: its project, who answers for it, its municipality. Sealed, and findable.

These words say which officers see a case, so they stay when its complainant is forgotten: they are
sealed with the key that lasts (`Grievance.lasting_subject`).
"""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime

from libs.common.crypto.sealing import SubjectKey
from libs.common.db.uow import Transaction
from libs.common.db.vault import Erased
from services.grievance.models import CaseWord, Grievance, lasting_subject
from services.grievance.repository.cases import GrievanceRepository
from services.grievance.repository.words import Belonging

NOT_SAID = "general"
"""The project of a case of which nobody said one."""


def seal_new(tx: Transaction, grievance_id: str, said: Belonging) -> dict[str, bytes | None]:
    """The columns of a new case that say where it belongs."""
    return _sealed(tx.vault.create(lasting_subject(grievance_id)), grievance_id, said)


def find_by(tx: Transaction, grievance_id: str, said: Belonging, *, filed_at: datetime) -> None:
    """Have a case be found by where it belongs; its row is written before this."""
    for word in sorted(said.words(tx.vault.blind)):
        tx.insert(CaseWord, word=word, created_at=filed_at, grievance_id=grievance_id)


async def belonging(tx: Transaction, case: Grievance) -> Belonging:
    """Where this case belongs."""
    return (await belongings(tx, [case]))[case.grievance_id]


async def belongings(tx: Transaction, cases: Iterable[Grievance]) -> dict[str, Belonging]:
    """Where these cases belong, by their ids; their keys are looked up in one question."""
    by_subject = {case.lasting_subject: case for case in cases}
    keys = await tx.vault.surviving_keys(by_subject)
    return {
        case.grievance_id: _opened(keys.get(subject), case) for subject, case in by_subject.items()
    }


async def move(tx: Transaction, case: Grievance, **said: str) -> None:
    """Say anew where `case` belongs; what is not said stays. The caller holds its row."""
    key = await tx.vault.key_or_new(case.lasting_subject)
    if key is None:
        raise Erased("the key that lasts was destroyed")
    moved = replace(_opened(key, case), **said)
    await GrievanceRepository(tx).forget_words(case.grievance_id)
    for name, sealed in _sealed(key, case.grievance_id, moved).items():
        setattr(case, name, sealed)
    find_by(tx, case.grievance_id, moved, filed_at=case.created_at)


def _sealed(key: SubjectKey, row: str, said: Belonging) -> dict[str, bytes | None]:
    return {
        name: word and key.seal(f"grievances.{name}", row, word)
        for name, word in asdict(said).items()
    }


def _opened(key: SubjectKey | None, case: Grievance) -> Belonging:
    """What was filed before these words were sealed has none, and belongs nowhere."""
    if key is None:
        return Belonging(NOT_SAID)
    sealed = {name: getattr(case, name) for name in Belonging.__dataclass_fields__}
    found = {
        name: value and key.open(f"grievances.{name}", case.grievance_id, value)
        for name, value in sealed.items()
    }
    return Belonging(
        found["project_type"] or NOT_SAID, found["organisation"], found["municipality"]
    )
