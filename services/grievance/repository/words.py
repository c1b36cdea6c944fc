"""The words cases are found by, as keyed hashes: equal words are equal, and that is all one sees.

Places are compared by where they lie, however they are written; every other word as it was typed,
letter by letter. A place is a path: a case is filed under each place its own lies in, so that a
scope is looked up as it is, and never as a beginning.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased

from libs.common.principal import Scope
from libs.language.locating import path_of
from services.grievance.models import CaseWord, Grievance

Blind = Callable[[str, str], bytes]
"""`tx.vault.blind`."""

MUNICIPALITY, PLACE, ORGANISATION, PROJECT = "municipality", "place", "organisation", "project_type"
NARROWEST_FIRST = (MUNICIPALITY, PLACE, ORGANISATION, PROJECT)
"""Of which kind of word there are the fewest cases: a list is read along the first one given."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """Where a case belongs: what it is about, who answers for it, where it happened."""

    project_type: str
    organisation: str | None = None
    municipality: str | None = None

    def words(self, blind: Blind) -> set[bytes]:
        """Everything this case is found by."""
        said = {PROJECT: self.project_type, ORGANISATION: self.organisation}
        found = {blind(kind, word) for kind, word in said.items() if word}
        if self.municipality:
            place = path_of(self.municipality)
            found.add(blind(MUNICIPALITY, place))
            found |= {blind(PLACE, each) for each in _places(place)}
        return found


@dataclass(frozen=True, slots=True)
class OneOf:
    """A condition: the case has one of these words of a kind."""

    kind: str
    words: tuple[bytes, ...]

    @property
    def holds(self) -> ColumnElement[bool]:
        """Whether it is true of the case at hand.

        Not EXISTS: PostgreSQL makes a join of that, and reads every case of a word for one page.
        """
        held = aliased(CaseWord)
        of_case = held.grievance_id == Grievance.grievance_id
        one = select(held.word).where(of_case, held.word.in_(self.words)).limit(1)
        return one.scalar_subquery().is_not(None)


def in_scope(scope: Scope, blind: Blind) -> list[OneOf]:
    """What must hold of a case in `scope`: all of these; nothing when it is everything."""
    places = [path_of(place, widest=True) for place in scope.places]
    named = {PLACE: places, ORGANISATION: scope.organisations, PROJECT: scope.projects}
    return [
        OneOf(kind, tuple(blind(kind, word) for word in words))
        for kind, words in named.items()
        if words
    ]


def _places(path: str) -> list[str]:
    """`Koshi/Sunsari` lies in `Koshi` and in itself."""
    ends = [at for at, char in enumerate(path) if char == "/"]
    return [path[:end] for end in (*ends, len(path)) if end]
