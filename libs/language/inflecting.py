"""Nepali words without their endings, and Devanagari without its spelling confusions."""

import re

from libs.language.resources import load

_SCRIPT = load("script")
_CONFUSIONS = str.maketrans(_SCRIPT["confusions"])
_HALF_NASAL = re.compile(r"[ङञनम]्(?=[क-म])")
_SHORTEST_DEVANAGARI = 2
_SHORTEST_LATIN = 3


def fold_devanagari(word: str) -> str:
    """`word` with the letters people confuse made one: long and short, the kinds of s, b and n."""
    return _HALF_NASAL.sub("ं", word.translate(_CONFUSIONS)).removesuffix("्")


_CASES_DEVANAGARI = tuple(map(fold_devanagari, _SCRIPT["endings"]["devanagari"]))
_CASES_LATIN: tuple[str, ...] = tuple(_SCRIPT["endings"]["latin"])


def bare_forms(word: str) -> list[str]:
    """`word` and what is left of it without a case ending."""
    latin = word.isascii()
    endings = _CASES_LATIN if latin else _CASES_DEVANAGARI
    if not word.endswith(endings):
        return [word]
    least = _SHORTEST_LATIN if latin else _SHORTEST_DEVANAGARI
    stems = [word.removesuffix(ending) for ending in endings if word.endswith(ending)]
    return [word, *(stem for stem in stems if len(stem) >= least)]
