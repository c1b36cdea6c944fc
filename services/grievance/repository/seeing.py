"""Who sees which case: the one place this is decided, for one case and for a page of them.

A page is read along an index, newest first, whatever share of all cases it is of: along each word
of the narrowest thing asked for, along what the caller filed, or along everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true, union_all

from libs.common.db.paging import Cursor, newest_first
from libs.common.permissions import Permission
from libs.common.principal import READS_SEAH, SEAH_ROLES, Principal
from libs.language.locating import path_of
from libs.language.sensitivity import Sensitivity
from services.grievance.models import CaseWord, Grievance
from services.grievance.repository.words import (
    MUNICIPALITY,
    NARROWEST_FIRST,
    ORGANISATION,
    PROJECT,
    Blind,
    OneOf,
    in_scope,
)

Conditions = list[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed down to."""

    status: str | None = None
    category: str | None = None
    municipality: str | None = None
    organisation: str | None = None
    project_type: str | None = None
    level: int | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None

    def words(self, blind: Blind) -> list[OneOf]:
        """What is looked up by a blind index."""
        named = {
            MUNICIPALITY: self.municipality and path_of(self.municipality),
            ORGANISATION: self.organisation,
            PROJECT: self.project_type,
        }
        return [OneOf(kind, (blind(kind, word),)) for kind, word in named.items() if word]

    def facts(self, at: ColumnElement[datetime]) -> Conditions:
        """What is compared as it lies there; `at` is when a case was filed."""
        wanted = {
            Grievance.status: self.status,
            Grievance.category: self.category,
            Grievance.level: self.level,
        }
        found = [column == value for column, value in wanted.items() if value is not None]
        if self.date_from:
            found.append(at >= self.date_from)
        if self.date_to:
            found.append(at < self.date_to)
        return found


@dataclass(frozen=True, slots=True)
class Sight:
    """The cases somebody sees: what they filed, and of their scope such `others`, if any."""

    own: ColumnElement[bool]
    others: ColumnElement[bool] | None
    scope: list[OneOf]

    def anywhere(self) -> ColumnElement[bool]:
        """Whether a case is one of them."""
        if self.others is None:
            return self.own
        return or_(self.own, and_(self.others, *_hold(self.scope)))


def sight(caller: Principal, blind: Blind) -> Sight:
    """What `caller` sees.

    Staff see the cases of their projects, organisations and places, SEAH roles SEAH cases and
    nothing else, and whoever filed a case sees it. A SEAH case does not exist for anybody else.
    """
    own = Grievance.filed_by == caller.id
    if not caller.may(Permission.CASE_READ):
        return Sight(false(), None, [])
    if not caller.may_for_others(Permission.CASE_READ):
        return Sight(own, None, [])
    is_seah = Grievance.sensitivity == Sensitivity.SEAH
    scope = in_scope(caller.scope, blind)
    if caller.role in SEAH_ROLES:
        return Sight(false(), is_seah, scope)
    if caller.role in READS_SEAH:
        return Sight(own, true(), scope)
    return Sight(own, ~is_seah, scope)


def newest_seen(
    caller: Principal, filters: Filters, blind: Blind, *, after: Cursor | None, limit: int
) -> Select[tuple[Grievance]]:
    """The newest cases `caller` sees; one more than `limit` when there is a next page."""
    at, row = Grievance.created_at.expression, Grievance.grievance_id.expression
    seen, named = sight(caller, blind), filters.words(blind)
    ways = [
        select(newest_first(way, *order, after=after, limit=limit).subquery().c.grievance_id)
        for way, order in _ways(seen, filters, named)
    ]
    if ways:
        of_these = select(Grievance).where(row.in_(union_all(*ways)))
        return newest_first(of_these, at, row, after=None, limit=limit)
    query = select(Grievance).where(seen.anywhere(), *_hold(named), *filters.facts(at))
    return newest_first(query, at, row, after=after, limit=limit)


def _ways(seen: Sight, filters: Filters, named: list[OneOf]) -> Iterator[tuple[Select[Any], Any]]:
    """Together they lead to every case that is wanted.

    None when nothing is named by a word, and for who sees nothing but what they filed.
    """
    narrowest = min(
        (*named, *seen.scope), key=lambda each: NARROWEST_FIRST.index(each.kind), default=None
    )
    if narrowest is None or seen.others is None:
        return
    by_word = CaseWord.created_at.expression, CaseWord.grievance_id.expression
    further = _hold([each for each in named if each is not narrowest])
    if narrowest in named:
        others = seen.anywhere()
    else:
        others = and_(seen.others, *_hold([each for each in seen.scope if each is not narrowest]))
        at, row = Grievance.created_at.expression, Grievance.grievance_id.expression
        yield select(row).where(seen.own, *further, *filters.facts(at)), (at, row)
    for word in narrowest.words:
        along = select(CaseWord.grievance_id).join(Grievance).where(CaseWord.word == word)
        yield along.where(others, *further, *filters.facts(by_word[0])), by_word


def _hold(words: list[OneOf]) -> Conditions:
    return [each.holds for each in words]
