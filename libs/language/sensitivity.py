"""Which messages need a protected path before anything else sees them.

Sexual exploitation, abuse and harassment (SEAH) must never reach a log, a cache, a search index
or a model, so this runs first, reads the whole text, and doubts in favour of the survivor.
Violence, threats, land and children at work go the ordinary way, but first. The rules and their
words are `data/sensitivity.json`, a table that can be shown to an officer.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from libs.language.matching import Lexicon
from libs.language.normalising import tokens
from libs.language.resources import load
from libs.language.sounding import vowel_key

_NEARBY = 14


class Sensitivity(StrEnum):
    """How a message must be handled; later members outrank earlier ones."""

    STANDARD = "standard"
    HIGH_PRIORITY = "high_priority"
    SEAH = "seah"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sensitivity of a message and the code of the rule that decided it, never its words."""

    sensitivity: Sensitivity
    rule: str


class _Rule(NamedTuple):
    verdict: Verdict
    needs: Sequence[str]
    unless: Sequence[str]

    def holds(self, found: Mapping[str, Sequence[int]]) -> bool:
        """Whether every needed group is close together and no excusing group is beside them."""
        if not all(label in found for label in self.needs):
            return False
        anchors = min((found[label] for label in self.needs), key=len)
        return any(
            all(_near(at, found[label]) for label in self.needs)
            and not any(_near(at, found.get(label, ())) for label in self.unless)
            for at in anchors
        )


def triage(text: str) -> Verdict:
    """Judge the whole of `text`; only a person may lower what this says."""
    lexicon, rules = _compiled()
    found: dict[str, list[int]] = defaultdict(list)
    for hit in lexicon.find(tokens(text)):
        found[hit.label].append(hit.start)
    for rule in rules:
        if rule.holds(found):
            return rule.verdict
    return Verdict(Sensitivity.STANDARD, "none")


def _near(at: int, places: Sequence[int]) -> bool:
    first = bisect_left(places, at - _NEARBY)
    return first < len(places) and places[first] <= at + _NEARBY


@cache
def _compiled() -> tuple[Lexicon, list[_Rule]]:
    data = load("sensitivity")
    lexicon = Lexicon(data["groups"], sound=vowel_key, forgiving=True)
    rules = [
        _Rule(Verdict(Sensitivity(row["sensitivity"]), row["code"]), row["all"], row["unless"])
        for row in data["rules"]
    ]
    return lexicon, rules
