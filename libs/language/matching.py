"""Finding a lexicon's terms in a message, in three scripts, in one pass over its words.

A term is written as people write it: `wire`, `harass*` (any ending), `ठेकेदार`, `sleep with`
(a phrase), `touch* .. me|my|her` (up to four words between; any of the alternatives), and
`{woman}` stands for any term of that group. Devanagari is compared by spelling with the usual
confusions folded, English by spelling, Romanised by sound and never against an English word.
Every lookup is a dictionary access, so time grows with the length of the text and nothing else.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from libs.language.inflecting import bare_forms, fold_devanagari
from libs.language.resources import english_words
from libs.language.sounding import is_devanagari, one_letter_less, one_slip_apart

_GAP = 5
_LONGEST_WORD = 40
_NEAR = 6
_SOUNDED = 3
_SOUNDED_STEM = 4
_REFERENCE = re.compile(r"\{(\w+)\}")
_NOTHING: frozenset[str] = frozenset()

Terms = Mapping[str, Sequence[str]]
"""Terms by way of writing: `en` by spelling, `ne` in Devanagari, `rom` by sound."""


class Hit(NamedTuple):
    """A term of the group `label`, found in the words from `start` to `end`."""

    label: str
    start: int
    end: int
    term: str


class _Phrase(NamedTuple):
    label: str
    slots: tuple[str, ...]
    reach: tuple[int, ...]
    term: str


class Lexicon:
    """Groups of terms, compiled for looking up whole messages."""

    def __init__(
        self,
        groups: Mapping[str, Terms],
        *,
        sound: Callable[[str], str],
        forgiving: bool = False,
        sounded_devanagari: bool = False,
    ) -> None:
        """Compile `groups`.

        `sound` is the key Romanised words are compared by; `forgiving` lets long keys differ by
        one letter; `sounded_devanagari` makes Devanagari terms match Romanised words as well.
        """
        self._sound = sound
        self._sounded_devanagari = sounded_devanagari
        self._spelt: dict[str, set[str]] = defaultdict(set)
        self._stems: dict[str, set[str]] = defaultdict(set)
        self._sounds: dict[str, set[str]] = defaultdict(set)
        self._sound_stems: dict[str, set[str]] = defaultdict(set)
        self._opening: dict[str, list[_Phrase]] = defaultdict(list)
        for label, terms in groups.items():
            for way, patterns in terms.items():
                for pattern in patterns:
                    self._add(label, way, _expanded(pattern, way, groups))
        self._near = self._neighbours() if forgiving else {}
        self._stem_lengths = sorted({len(stem) for stem in self._stems})
        self._sound_lengths = sorted({len(stem) for stem in self._sound_stems})
        self.marks = lru_cache(maxsize=8_192)(self._marks)

    def find(self, words: Sequence[str]) -> Iterator[Hit]:
        """Every term in `words`, in the order of their first words."""
        marks = list(map(self.marks, words))
        for start, here in enumerate(marks):
            for slot in here:
                for phrase in self._opening.get(slot, ()):
                    end = _reach(phrase, marks, start, 1)
                    if end:
                        yield Hit(phrase.label, start, end, phrase.term)

    def _add(self, label: str, way: str, pattern: str) -> None:
        slots: list[str] = []
        reach: list[int] = []
        gap = 1
        for part in pattern.split():
            if part == "..":
                gap = _GAP
                continue
            slot = f"{way}:{part}"
            slots.append(slot)
            reach.append(gap)
            gap = 1
            for word in part.split("|"):
                self._register(slot, way, word)
        self._opening[slots[0]].append(_Phrase(label, tuple(slots), tuple(reach), pattern))

    def _register(self, slot: str, way: str, word: str) -> None:
        stem = word.removesuffix("*")
        open_ended = stem != word
        if way == "rom" and stem.isalpha():
            key = self._sound(stem)
            (self._sound_stems if open_ended else self._sounds)[key].add(slot)
        spelling = fold_devanagari(stem) if way == "ne" else stem
        (self._stems if open_ended else self._spelt)[spelling].add(slot)
        if way == "ne" and self._sounded_devanagari:
            key = self._sound(stem)
            tell_tale = open_ended and len(key) >= _SOUNDED_STEM
            (self._sound_stems if tell_tale else self._sounds)[key].add(slot)

    def _neighbours(self) -> dict[str, set[str]]:
        near: dict[str, set[str]] = defaultdict(set)
        for key in self._sounds:
            if len(key) >= _NEAR:
                for variant in one_letter_less(key):
                    near[variant].add(key)
        return near

    def _marks(self, word: str) -> frozenset[str]:
        if len(word) > _LONGEST_WORD:
            return _NOTHING
        devanagari = is_devanagari(word)
        surface = fold_devanagari(word) if devanagari else word
        found = set(_under_stems(surface, self._stems, self._stem_lengths))
        for form in bare_forms(surface):
            found.update(self._spelt.get(form, ()))
        if not devanagari and len(word) >= _SOUNDED and word not in english_words():
            found.update(self._heard(word))
        return frozenset(found) or _NOTHING

    def _heard(self, word: str) -> Iterator[str]:
        for form in bare_forms(word):
            key = self._sound(form)
            yield from self._sounds.get(key, ())
            yield from _under_stems(key, self._sound_stems, self._sound_lengths)
        if self._near and len(key := self._sound(word)) >= _NEAR:
            for variant in one_letter_less(key):
                for candidate in self._near.get(variant, ()):
                    if one_slip_apart(key, candidate):
                        yield from self._sounds[candidate]


def _expanded(pattern: str, way: str, groups: Mapping[str, Terms]) -> str:
    """`pattern` with every `{group}` replaced by the one-word terms of that group."""
    for name in _REFERENCE.findall(pattern):
        words = "|".join(term for term in groups[name].get(way, ()) if " " not in term)
        pattern = pattern.replace("{" + name + "}", words)
    return pattern


def _under_stems(
    word: str, stems: Mapping[str, Iterable[str]], lengths: Sequence[int]
) -> Iterator[str]:
    for length in lengths:
        if length > len(word):
            return
        yield from stems.get(word[:length], ())


def _reach(phrase: _Phrase, marks: Sequence[frozenset[str]], at: int, slot: int) -> int:
    """Where `phrase` ends when its slot before `slot` is at `at`; 0 when it does not go on."""
    if slot == len(phrase.slots):
        return at + 1
    for step in range(at + 1, min(at + 1 + phrase.reach[slot], len(marks))):
        if phrase.slots[slot] in marks[step]:
            end = _reach(phrase, marks, step, slot + 1)
            if end:
                return end
    return 0
