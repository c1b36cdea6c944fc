"""Keys by sound: the same Nepali word typed in either script, in any spelling, gets one key.

`skeleton` drops every `a` and joins the most; it is right for search and categories, where a
false friend costs little. `vowel_key` keeps the vowels that tell words apart; triage uses it,
because without them a word for breast and a word for local are one.
"""

import re
from functools import lru_cache

from libs.language.resources import load

_SCRIPT = load("script")
_CONSONANTS = "".join(_SCRIPT["consonants"])
_VOICED = "".join(_SCRIPT["signs"])
_INHERENT = re.compile(f"([{_CONSONANTS}]़?)(?![{_VOICED}़्])")
_CONJUNCTS: list[list[str]] = _SCRIPT["conjuncts"]
_LETTERS = str.maketrans(
    _SCRIPT["consonants"] | _SCRIPT["vowels"] | _SCRIPT["signs"] | _SCRIPT["others"]
)
_FOLDS: list[list[str]] = _SCRIPT["folds"]
_DIPHTHONGS: list[list[str]] = _SCRIPT["diphthongs"]
_CLOSING_Y = re.compile(r"y(?=[^aeiou]|$)")
_MUTE_H = re.compile(r"h(?=[^aeiou]|$)")
_NASAL_M = re.compile(r"m(?=[kgcjtdpb])")
_DOUBLED = re.compile(r"([a-z])\1+")
_SCHWA = re.compile(r"(?<=[^aeiou])a(?=[^aeiou][aeiou])|a$")
_LONGEST = 48
_TELLING = 3


def is_devanagari(word: str) -> bool:
    """Whether any sign of `word` is Devanagari."""
    return not word.isascii() and any("\u0900" <= sign <= "\u097f" for sign in word)


def romanise(word: str) -> str:
    """`word` letter by letter in Latin, with every inherent vowel written."""
    if not is_devanagari(word):
        return word
    for written, spoken in _CONJUNCTS:
        word = word.replace(written, spoken)
    return _INHERENT.sub(r"\1अ", word).translate(_LETTERS)


def _fold(word: str) -> str:
    latin = romanise(word[:_LONGEST].casefold())
    for spelling, sound in _FOLDS:
        latin = latin.replace(spelling, sound)
    latin = _CLOSING_Y.sub("i", latin)
    for spelling, sound in _DIPHTHONGS:
        latin = latin.replace(spelling, sound)
    return latin


@lru_cache(maxsize=16_384)
def skeleton(word: str) -> str:
    """The consonants and strong vowels of one word; खानेपानी and khaanepaani share a skeleton."""
    bones = _fold(word).replace("a", "").replace("y", "i")
    bones = _DOUBLED.sub(r"\1", _MUTE_H.sub("", bones))
    return _NASAL_M.sub("n", bones) or word


def vowel_key(word: str) -> str:
    """The sound of one word with its vowels kept and only the unspoken `a` dropped."""
    sound = _NASAL_M.sub("n", _fold(word).replace("y", "i"))
    return _SCHWA.sub("", _DOUBLED.sub(r"\1", sound)) or word


@lru_cache(maxsize=16_384)
def broad_key(word: str) -> str:
    """The skeleton, or for words too short to be told apart by it their letters as heard."""
    bones = skeleton(word)
    return bones if len(bones) >= _TELLING else f"_{_fold(word).rstrip('a')}"


def one_letter_less(key: str) -> set[str]:
    """`key` and every way to lose one letter of it: two keys that share one are a slip apart."""
    return {key, *(key[:at] + key[at + 1 :] for at in range(len(key)))}


def one_slip_apart(left: str, right: str) -> bool:
    """Whether the keys are equal but for one letter added, lost or changed."""
    at = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    if at is None:
        return abs(len(left) - len(right)) <= 1
    return (
        left[at + 1 :] == right[at + 1 :]
        or left[at:] == right[at + 1 :]
        or left[at + 1 :] == right[at:]
    )
