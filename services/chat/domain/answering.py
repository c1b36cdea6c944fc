"""Answers to questions people often ask: the exact words first, then the nearest ones (S2-07).

Words are compared by their skeleton, so a question written in Devanagari is found in Latin
letters; rare words weigh more than common ones.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from libs.language.normalising import clean, tokens
from libs.language.sounding import broad_key

SURE = 0.58
MAYBE = 0.3
MOST_SUGGESTED = 3


class Question(Protocol):
    """A row of `faqs`."""

    id: str
    question: str
    question_ne: str
    answer: str
    answer_ne: str
    variants: list[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A question and its answer in both languages."""

    id: str
    question: str
    question_ne: str
    answer: str
    answer_ne: str


@dataclass(frozen=True, slots=True)
class Match:
    """A question that may have been meant, and how sure that is."""

    entry: Entry
    confidence: float


Weights = Mapping[str, float]


class FaqBook:
    """The active questions, indexed."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.entries = {
            row.id: Entry(row.id, row.question, row.question_ne, row.answer, row.answer_ne)
            for row in questions
        }
        asked = {row.id: [row.question, row.question_ne, *row.variants] for row in questions}
        self._exact = {
            clean(form).strip(" ?।.!"): faq_id for faq_id, forms in asked.items() for form in forms
        }
        bags = {faq_id: [_bag(form) for form in forms] for faq_id, forms in asked.items()}
        self._rarity = _rarity(list(bags.values()))
        self._forms = [
            (faq_id, self._weighed(bag)) for faq_id, each in bags.items() for bag in each if bag
        ]

    def find(self, text: str) -> list[Match]:
        """The questions `text` may ask, the likeliest first."""
        exact = self._exact.get(clean(text).strip(" ?।.!"))
        if exact:
            return [Match(self.entries[exact], 1.0)]
        asked = self._weighed(_bag(text))
        best: dict[str, float] = {}
        for faq_id, form in self._forms:
            score = sum(weight * form.get(word, 0.0) for word, weight in asked.items())
            best[faq_id] = max(best.get(faq_id, 0.0), score)
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
        return [
            Match(self.entries[faq_id], round(score, 3))
            for faq_id, score in ranked[:MOST_SUGGESTED]
            if score >= MAYBE
        ]

    def _weighed(self, bag: frozenset[str]) -> Weights:
        unknown = max(self._rarity.values(), default=1.0)
        weights = {word: self._rarity.get(word, unknown) for word in bag}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {word: weight / length for word, weight in weights.items()}


def _bag(text: str) -> frozenset[str]:
    return frozenset(broad_key(word) for word in tokens(text))


def _rarity(questions: Sequence[Sequence[frozenset[str]]]) -> Weights:
    """How telling each word is: one that every question uses tells little."""
    spread = Counter(word for bags in questions for word in frozenset().union(*bags))
    return {word: math.log((1 + len(questions)) / count) for word, count in spread.items()}
