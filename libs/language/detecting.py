"""Which of the three ways of writing a message uses.

Script decides first. Latin text is weighed by a table of letter groups: a logistic regression
over groups of two to four letters, fitted outside this repository to the project's own messages,
public Romanised pairs, machine-romanised Nepali, common English words and public English bot
queries (see `data/NOTICE.md`), and cut to its 2,500 heaviest weights. Public identifiers know no
Romanised Nepali at all. Maithili, Bhojpuri, Tharu and Hindi are called Nepali.
"""

import math
from collections.abc import Iterator
from enum import StrEnum
from functools import cache, lru_cache

from libs.language.normalising import INPUT_LIMIT, tokens
from libs.language.resources import english_words, load
from libs.language.sounding import is_devanagari

_WORDS_WEIGHED = 120
_LONGEST_WORD = 30
_GROUPS = (2, 3, 4)


class Language(StrEnum):
    """Nepali in Devanagari, English, and Nepali in Latin letters (BCP 47 tags)."""

    NEPALI = "ne"
    ENGLISH = "en"
    ROMANISED = "ne-Latn"


def detect(text: str) -> Language:
    """The language most of `text` is written in; English when there is nothing to go by."""
    words = tokens(text[:INPUT_LIMIT])
    nepali = sum(len(word) for word in words if is_devanagari(word))
    latin = [word for word in words if word.isascii() and word.isalpha()]
    if nepali and nepali * 4 >= sum(map(len, latin)):
        return Language.NEPALI
    if _leaning(latin[:_WORDS_WEIGHED]) > 0:
        return Language.NEPALI if nepali else Language.ROMANISED
    return Language.ENGLISH


def _leaning(words: list[str]) -> float:
    """Above zero when `words` are more likely Romanised Nepali than English."""
    if not words:
        return -1.0
    weighed = [_weigh(word[:_LONGEST_WORD]) for word in words]
    groups = sum(count for _, count in weighed)
    return _weights()[1] + sum(weight for weight, _ in weighed) / math.sqrt(groups)


@lru_cache(maxsize=8_192)
def _weigh(word: str) -> tuple[float, int]:
    table = _weights()[0]
    groups = list(_letter_groups(word))
    return sum(table.get(group, 0.0) for group in groups), len(groups)


def _letter_groups(word: str) -> Iterator[str]:
    """The features of one word: itself, whether English knows it, and its letter groups."""
    edged = f"^{word}$"
    yield edged
    yield "+" if word in english_words() else "-"
    for size in _GROUPS:
        for start in range(len(edged) - size + 1):
            group = edged[start : start + size]
            if group != edged:
                yield group


@cache
def _weights() -> tuple[dict[str, float], float]:
    data = load("language_weights")
    return data["weights"], data["bias"]
