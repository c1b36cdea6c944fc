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


_CASES_DEVANAGARI = [fold_devanagari(ending) for ending in _SCRIPT["endings"]["devanagari"]]
_CASES_LATIN: list[str] = _SCRIPT["endings"]["latin"]


def bare_forms(word: str) -> list[str]:
    """`word` and what is left of it without a case ending."""
    latin = word.isascii()
    shortest = _SHORTEST_LATIN if latin else _SHORTEST_DEVANAGARI
    return [
        word,
        *(
            word[: -len(ending)]
            for ending in (_CASES_LATIN if latin else _CASES_DEVANAGARI)
            if word.endswith(ending) and len(word) - len(ending) >= shortest
        ),
    ]
