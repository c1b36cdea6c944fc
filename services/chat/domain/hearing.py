"""What a message says, as far as rules can tell; everything that costs time, in one pure step.

Sensitivity is judged before anything else looks at the text, and over the whole of it. What is
found here only ever leads the talk: nothing is filed or accepted on the strength of it.
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from libs.language.categorising import suggest
from libs.language.detecting import Language, detect
from libs.language.entities import extract
from libs.language.matching import Lexicon
from libs.language.normalising import INPUT_LIMIT, tokens
from libs.language.sensitivity import Sensitivity, triage
from libs.language.sounding import vowel_key

DATA = Path(__file__).parents[1] / "data"
QUICK_CHARACTERS = 400
"""Longer texts are heard in a thread: they cost the loop more than five milliseconds."""
LEADING_WORDS = 40
FEW_WORDS = 10
_PAYLOAD = re.compile(r"/([a-z_]{1,30})\s*(\{.{0,300}\})?", re.DOTALL)
_TELLING_WORDS = 3


@dataclass(frozen=True, slots=True)
class Command:
    """A pressed button: `/confirm{"token":"…"}`."""

    name: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one message says."""

    text: str
    words: tuple[str, ...]
    command: Command | None
    sensitivity: Sensitivity
    language: Language | None
    is_telling: bool
    """Whether there are words enough to tell the language by."""
    meanings: frozenset[str]
    """What the message means as a whole: every word of it belongs to the meaning, or to none."""
    asks_status: bool
    is_question: bool
    evidence: float
    """How much of it sounds like the subject of a complaint, from 0 to 1."""
    references: tuple[str, ...]

    def means(self, *meanings: str) -> bool:
        """Whether the message as a whole means one of these, typed or by its button."""
        if self.command:
            return self.command.name in meanings
        return not self.meanings.isdisjoint(meanings)

    @property
    def is_readable(self) -> bool:
        """Whether there is a word in it: a lone thumb says nothing one could file."""
        return _has_letters(self.words)


async def listen(text: str) -> Heard:
    """Hear `text` without holding up other conversations."""
    if len(text) <= QUICK_CHARACTERS:
        return hear(text)
    return await asyncio.to_thread(hear, text)


def hear(text: str) -> Heard:
    """Everything the rules can tell about `text`."""
    command = _command(text)
    if command:
        return Heard(
            text, (), command, Sensitivity.STANDARD, None, False, frozenset(), False, False, 0.0, ()
        )
    sensitivity = triage(text).sensitivity
    words = tuple(tokens(text[:INPUT_LIMIT]))
    found = _spread(words[:LEADING_WORDS])
    references = tuple(extract(text).references)
    evidence = min(1.0, sum(each.confidence for each in suggest(text)))
    few = len(words) <= FEW_WORDS
    return Heard(
        text=text,
        words=words,
        command=None,
        sensitivity=sensitivity,
        language=detect(text) if _has_letters(words) else None,
        is_telling=_is_telling(words),
        meanings=_meanings(words, found),
        asks_status=few and _asks_status(words, found, references),
        is_question="?" in text or bool(found["question"]),
        evidence=evidence,
        references=references,
    )


def warm_up() -> None:
    """Compile every lexicon before the first citizen waits for it."""
    for text in ("namaste, ward 5 ma pani chaina", "नमस्ते, पानी आएन", "the road is broken"):
        hear(text)


def _command(text: str) -> Command | None:
    match = _PAYLOAD.fullmatch(text.strip())
    if not match:
        return None
    try:
        values = json.loads(match[2] or "{}")
    except (ValueError, RecursionError):
        values = {}
    said = {name: value for name, value in values.items() if isinstance(value, str)}
    return Command(match[1], said)


def _spread(words: Sequence[str]) -> dict[str, set[int]]:
    """Which words each meaning covers."""
    found: dict[str, set[int]] = defaultdict(set)
    for hit in _lexicon().find(words):
        found[hit.label].update(range(hit.start, hit.end))
    return found


def _meanings(words: Sequence[str], found: dict[str, set[int]]) -> frozenset[str]:
    everything = set(range(len(words)))
    filler = found["filler"]
    return frozenset(
        label
        for label, covered in found.items()
        if label != "filler" and covered and everything <= covered | filler
    )


def _asks_status(
    words: Sequence[str], found: dict[str, set[int]], references: Sequence[str]
) -> bool:
    asked = found["where"]
    if asked and (found["case"] or references):
        return True
    named = {word for reference in references for word in tokens(reference)}
    rest = [
        word for at, word in enumerate(words) if word not in named and at not in found["filler"]
    ]
    if references and not rest:
        return True
    return bool(asked) and set(range(len(words))) <= asked | found["filler"]


def _has_letters(words: Sequence[str]) -> bool:
    return any(char.isalpha() for word in words for char in word)


def _is_telling(words: Sequence[str]) -> bool:
    return sum(_has_letters([word]) for word in words) >= _TELLING_WORDS


@cache
def _lexicon() -> Lexicon:
    groups: dict[str, Any] = read_data("intents")["groups"]
    return Lexicon(groups, sound=vowel_key)


def read_data(name: str) -> Any:
    """The content of `data/<name>.json`."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
