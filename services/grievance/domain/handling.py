"""Use cases that move a case along, and what officers write on it."""

from dataclasses import dataclass, fields
from typing import Any

from libs.common.clock import utc_now
from libs.common.contracts.grievance import (
    GrievanceClassified,
    GrievanceNoteAdded,
    GrievanceStatusChanged,
)
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict, Invalid
from libs.common.ids import new_id
from libs.common.principal import Principal
from libs.language.categorising import CATEGORIES
from libs.language.sensitivity import Sensitivity
from services.grievance.domain import auditing
from services.grievance.domain.belonging import move
from services.grievance.domain.status import Actor, Guard, actor, transition
from services.grievance.domain.texts import writing_key
from services.grievance.models import (
    Act,
    Action,
    ClassificationStatus,
    Grievance,
    Note,
    ResolutionCategory,
    Status,
    StatusHistory,
)
from services.grievance.repository.words import Belonging


class NotClassified(Conflict):
    """A person has to confirm what the case is about first."""

    code = "CLASSIFICATION_NOT_CONFIRMED"


class ProposalIncomplete(Invalid):
    """A resolution is proposed with a category and words in both languages."""

    code = "PROPOSAL_INCOMPLETE"


class ConsentNotRecorded(Conflict):
    """An officer accepts for a complainant only with their consent on record."""

    code = "CONSENT_NOT_RECORDED"


class ResolverCannotClose(Conflict):
    """Who proposed the resolution does not close the case."""

    code = "RESOLVER_CANNOT_CLOSE"


class UnknownCategory(Invalid):
    """A category code this installation does not have."""

    code = "UNKNOWN_CATEGORY"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A way to settle it: for the file, and in words the complainant and the public may read."""

    category: ResolutionCategory
    text: str
    public_en: str
    public_ne: str


@dataclass(frozen=True, slots=True)
class Move:
    """What is done, and what is said with it."""

    action: Action
    notes: str | None = None
    proposal: Proposal | None = None
    has_consent: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """What an officer corrects on a case; None leaves it."""

    categories: tuple[str, ...] | None = None
    summary: str | None = None
    project_type: str | None = None
    organisation: str | None = None
    municipality: str | None = None
    ward: int | None = None


async def act(
    tx: Transaction, grievance: Grievance, move: Move, *, by: Principal, is_complainant: bool
) -> Grievance:
    """Move `grievance`, record who did it and why, and tell the rest of the system."""
    who = actor(by, is_complainant=is_complainant)
    row = transition(Status(grievance.status), move.action, who)
    _check(grievance, move, row.guard, who, by)
    if move.proposal:
        await _propose(tx, grievance, move.proposal, by)
    old = grievance.status
    grievance.status = row.target
    grievance.updated_at = utc_now()
    await _record(tx, grievance, move, from_status=old, by=by)
    if who is not Actor.COMPLAINANT:
        said = {"action": move.action, "from_status": old, "to_status": row.target}
        _audit(tx, Act.ACTED, grievance, by, **said)
    tx.publish(
        GrievanceStatusChanged(
            grievance_id=grievance.grievance_id,
            from_status=old,
            to_status=row.target,
            action=move.action,
            level=grievance.level,
        ),
        restricted=is_restricted(grievance),
    )
    return grievance


def _check(
    grievance: Grievance, move: Move, guard: Guard | None, who: Actor, by: Principal
) -> None:
    is_confirmed = ClassificationStatus(grievance.classification_status).is_confirmed
    if guard is Guard.CLASSIFIED and not is_confirmed:
        raise NotClassified("Confirm or correct the categories first.")
    if guard is Guard.PROPOSAL and move.proposal is None:
        raise ProposalIncomplete("Say how it is resolved, and in both languages.")
    if guard is Guard.ACCEPTANCE and who is not Actor.COMPLAINANT and not move.has_consent:
        raise ConsentNotRecorded("Record the complainant's consent, or let them accept.")
    if guard is Guard.NOT_RESOLVER and grievance.resolved_by == by.id:
        raise ResolverCannotClose("Somebody else than who proposed the resolution closes it.")


async def _propose(
    tx: Transaction, grievance: Grievance, proposal: Proposal, by: Principal
) -> None:
    key = await writing_key(tx, grievance)
    words = f"{proposal.text}\n\n{proposal.public_en}\n\n{proposal.public_ne}"
    grievance.resolution = key.seal("grievances.resolution", grievance.grievance_id, words)
    grievance.resolution_category = proposal.category
    grievance.resolved_by = by.id


async def _record(
    tx: Transaction, grievance: Grievance, move: Move, *, from_status: str, by: Principal
) -> None:
    notes = None
    if move.notes:
        key = await writing_key(tx, grievance)
        notes = key.seal("status_history.notes", grievance.grievance_id, move.notes)
    tx.insert(
        StatusHistory,
        grievance_id=grievance.grievance_id,
        status=grievance.status,
        from_status=from_status,
        action=move.action,
        level=grievance.level,
        notes=notes,
        created_by=by.id,
        created_at=grievance.updated_at,
    )


async def correct(
    tx: Transaction, grievance: Grievance, correction: Correction, *, by: Principal
) -> Grievance:
    """Write down what an officer knows better. Categories they give count as confirmed."""
    actor(by, is_complainant=False)
    key = await writing_key(tx, grievance)
    moved = {name: getattr(correction, name) for name in Belonging.__dataclass_fields__}
    if said := {name: word for name, word in moved.items() if word is not None}:
        await move(tx, grievance, **said)
    if correction.summary is not None:
        grievance.summary = key.seal(
            "grievances.summary", grievance.grievance_id, correction.summary
        )
    if correction.ward is not None:
        grievance.ward = correction.ward
    if correction.categories is not None:
        classify(
            tx, grievance, correction.categories, status=ClassificationStatus.OFFICER_CONFIRMED
        )
    grievance.updated_at = utc_now()
    given = [each.name for each in fields(correction) if getattr(correction, each.name) is not None]
    _audit(tx, Act.CORRECTED, grievance, by, fields=given)
    return grievance


def classify(
    tx: Transaction,
    grievance: Grievance,
    categories: tuple[str, ...],
    *,
    status: ClassificationStatus,
) -> None:
    """Say what the case is about. Raises UnknownCategory."""
    unknown = [code for code in categories if code not in CATEGORIES]
    if unknown:
        raise UnknownCategory("There is no such category.", known=sorted(CATEGORIES))
    grievance.categories = list(dict.fromkeys(categories))
    grievance.category = grievance.categories[0] if grievance.categories else None
    grievance.classification_status = status
    tx.publish(
        GrievanceClassified(
            grievance_id=grievance.grievance_id,
            categories=grievance.categories,
            classification_status=status,
        ),
        restricted=is_restricted(grievance),
    )


async def add_note(tx: Transaction, grievance: Grievance, text: str, *, by: Principal) -> Note:
    """Write a note on a case; it changes no status."""
    actor(by, is_complainant=False)
    key = await writing_key(tx, grievance)
    note_id = new_id()
    note = Note(
        note_id=note_id,
        grievance_id=grievance.grievance_id,
        text=key.seal("notes.text", note_id, text),
        created_by=by.id,
        created_at=utc_now(),
    )
    tx.session.add(note)
    tx.publish(
        GrievanceNoteAdded(grievance_id=grievance.grievance_id, note_id=note_id, by=by.id),
        restricted=is_restricted(grievance),
    )
    _audit(tx, Act.NOTE_ADDED, grievance, by, note_id=note_id)
    return note


def is_restricted(grievance: Grievance) -> bool:
    """Whether the facts of this case travel apart."""
    return grievance.sensitivity == Sensitivity.SEAH


def _audit(tx: Transaction, act: Act, grievance: Grievance, by: Principal, **details: Any) -> None:
    restricted = is_restricted(grievance)
    auditing.record(tx, act, grievance.grievance_id, by=by, restricted=restricted, **details)
