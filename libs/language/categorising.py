"""What a grievance is about: up to three suggestions from a bilingual lexicon.

On real text a lexicon is right two times in three, so this suggests and a person confirms.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from libs.language.matching import Lexicon
from libs.language.normalising import INPUT_LIMIT, tokens
from libs.language.resources import load
from libs.language.sounding import broad_key

_DOUBT = 2.0
_MOST = 3
_UNKNOWN = "OTHER"
_ECHO = 0.25
_PHRASE = 1.5
_SHARING = 0.4


@dataclass(frozen=True, slots=True)
class Category:
    """One row of the category list."""

    code: str
    group: str
    name_en: str
    name_ne: str
    high_priority: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A category and how sure the lexicon is of it, from 0 to 1."""

    code: str
    confidence: float


CATEGORIES: Mapping[str, Category] = MappingProxyType(
    {row["code"]: Category(**row) for row in load("categories")["categories"]}
)


def suggest(text: str, limit: int = _MOST) -> list[Suggestion]:
    """The categories `text` is most likely about, best first, at most three.

    Words the lexicon does not know are OTHER with no confidence; no words are no category.
    """
    words = tokens(text[:INPUT_LIMIT])
    scores = _scores(words) or dict.fromkeys([_UNKNOWN][: len(words)], 0.0)
    total = sum(scores.values()) + _DOUBT
    ranked = sorted(scores, key=lambda code: (-scores[code], code))
    return [
        Suggestion(code, round(scores[code] / total, 3))
        for code in ranked[: max(0, min(limit, _MOST))]
    ]


def _scores(words: Sequence[str]) -> dict[str, float]:
    """What every category gets: a word counts in full once and little when it comes again."""
    lexicon, weights = _compiled()
    claims: dict[int, dict[str, float]] = defaultdict(dict)
    for hit in lexicon.find(words):
        code, strength = hit.label.split(".")
        length = hit.end - hit.start
        worth = weights[strength] * (1 if length == 1 else _PHRASE / length)
        for at in range(hit.start, hit.end):
            claims[at][code] = max(claims[at].get(code, 0.0), worth)
    scores: dict[str, float] = defaultdict(float)
    seen: set[str] = set()
    for at, claim in claims.items():
        share = len(claim) ** -_SHARING * (_ECHO if words[at] in seen else 1)
        seen.add(words[at])
        for code, worth in claim.items():
            scores[code] += worth * share
    return scores


@cache
def _compiled() -> tuple[Lexicon, dict[str, float]]:
    data = load("category_terms")
    lexicon = Lexicon(data["groups"], sound=broad_key, sounded_devanagari=True)
    return lexicon, data["weights"]
