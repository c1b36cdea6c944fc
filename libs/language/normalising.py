"""One spelling for what people type: the same word must look the same to every later step.

Phones and legacy keyboards write one Nepali vowel as two signs, slip invisible joiners between
letters and stretch words for emphasis. All of that is repaired here, once.
"""

import re
import unicodedata

from libs.language.sounding import skeleton

__all__ = ["INPUT_LIMIT", "clean", "skeleton", "standardise", "tokens"]

INPUT_LIMIT = 2000
"""How many characters of a message the readers look at; `triage` alone looks at all of them."""

_DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")
_INVISIBLE = dict.fromkeys(
    [0x00AD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
)
_REPAIRS = (
    ("ाे", "ो"),
    ("ाै", "ौ"),
    ("अाे", "ओ"),
    ("अो", "ओ"),
    ("अौ", "औ"),
    ("अा", "आ"),
    ("एे", "ऐ"),
)
_MARK_PILE = re.compile(r"([^\w\s\x00-\x7f]{32})[^\w\s\x00-\x7f]+")
_STRETCHED = re.compile(r"([^\d])\1{2,}", re.DOTALL)
_TOKEN = re.compile(r"[\u0900-\u0963\u0966-\u097f\w]+")


def standardise(text: str) -> str:
    """`text` in one Unicode form with ASCII digits, its case and its spelling untouched.

    Piles of combining marks are cut first: ordering them is quadratic in `unicodedata`.
    """
    pruned = _MARK_PILE.sub(r"\1", text)
    return unicodedata.normalize("NFC", pruned).translate(_INVISIBLE).translate(_DIGITS)


def clean(text: str) -> str:
    """`text` standardised, lower-cased, its vowels repaired and its stretched letters squeezed."""
    plain = standardise(text).casefold()
    for typed, meant in _REPAIRS:
        plain = plain.replace(typed, meant)
    return _STRETCHED.sub(r"\1\1", plain)


def tokens(text: str) -> list[str]:
    r"""The words of `text`, cleaned; `\w` alone would cut Nepali words at every vowel sign."""
    return _TOKEN.findall(clean(text))
