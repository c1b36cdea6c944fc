"""The life of a grievance, as a table (domain.md, T1…). No I/O here: this file is the rule."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from libs.common.errors import Conflict, Forbidden
from libs.common.principal import OBSERVERS, SUPERVISORS, Principal
from services.grievance.models import Action, Status


class Actor(StrEnum):
    """In which capacity somebody acts on a case."""

    COMPLAINANT = "complainant"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"


class Guard(StrEnum):
    """What must hold besides the status."""

    CLASSIFIED = "classified"  # a person confirmed what the case is about
    PROPOSAL = "proposal"  # a resolution category, and a text in both languages
    ACCEPTANCE = "acceptance"  # the complainant, or an officer who recorded their consent
    NOT_RESOLVER = "not_resolver"  # who proposed the resolution does not close the case


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table."""

    name: str
    action: Action
    sources: frozenset[Status]
    target: Status
    actors: frozenset[Actor]
    guard: Guard | None = None


def _row(
    name: str,
    action: Action,
    sources: Iterable[Status],
    target: Status,
    actors: Iterable[Actor],
    guard: Guard | None = None,
) -> Transition:
    return Transition(name, action, frozenset(sources), target, frozenset(actors), guard)


_STAFF = (Actor.OFFICER, Actor.SUPERVISOR)

TRANSITIONS = (
    _row("T2", Action.ACKNOWLEDGE, [Status.PENDING, Status.ESCALATED], Status.ACKNOWLEDGED,
         _STAFF, Guard.CLASSIFIED),
    _row("T3", Action.EVALUATE, [Status.ACKNOWLEDGED], Status.UNDER_EVALUATION, _STAFF),
    _row("T4", Action.START, [Status.ACKNOWLEDGED, Status.UNDER_EVALUATION], Status.IN_PROGRESS,
         _STAFF),
    _row("T10", Action.PROPOSE, [Status.UNDER_EVALUATION, Status.IN_PROGRESS],
         Status.RESOLUTION_PROPOSED, _STAFF, Guard.PROPOSAL),
    _row("T11", Action.ACCEPT, [Status.RESOLUTION_PROPOSED], Status.RESOLVED,
         [Actor.COMPLAINANT, *_STAFF], Guard.ACCEPTANCE),
    _row("T21", Action.CLOSE, [Status.RESOLVED, Status.REJECTED], Status.CLOSED,
         [Actor.SUPERVISOR], Guard.NOT_RESOLVER),
)  # fmt: skip
"""T1, the filing itself, has no row: it makes the case (`filing.py`)."""


class IllegalTransition(Conflict):
    """The life cycle does not allow this from here; `details.allowed` says what it does allow."""

    code = "ILLEGAL_STATUS_TRANSITION"


class ActorNotAllowed(Forbidden):
    """The life cycle allows it, but not to this caller."""

    code = "ACTION_NOT_ALLOWED"


def actor(caller: Principal, *, is_complainant: bool) -> Actor:
    """In which capacity `caller` acts. Raises ActorNotAllowed for those who only look."""
    if is_complainant:
        return Actor.COMPLAINANT
    if caller.role in OBSERVERS:
        raise ActorNotAllowed("Observers and auditors read; they do not act.")
    return Actor.SUPERVISOR if caller.role in SUPERVISORS else Actor.OFFICER


def allowed(current: Status, by: Actor) -> list[Action]:
    """What `by` may do from here, as far as the status goes."""
    return [t.action for t in TRANSITIONS if current in t.sources and by in t.actors]


def transition(current: Status, action: Action, by: Actor) -> Transition:
    """The row for `action` from `current`. Raises IllegalTransition or ActorNotAllowed."""
    for row in TRANSITIONS:
        if row.action is action and current in row.sources:
            if by not in row.actors:
                raise ActorNotAllowed(
                    f"To {action} a grievance is not for the {by}.", allowed=allowed(current, by)
                )
            return row
    raise IllegalTransition(
        f"One cannot {action} a grievance that is {current}.", allowed=allowed(current, by)
    )


def action_to(current: Status, target: Status, by: Actor) -> Action:
    """The action that leads from `current` to `target`. Raises IllegalTransition."""
    for row in TRANSITIONS:
        if current in row.sources and row.target is target:
            return row.action
    raise IllegalTransition(
        f"A grievance that is {current} cannot become {target}.", allowed=allowed(current, by)
    )
