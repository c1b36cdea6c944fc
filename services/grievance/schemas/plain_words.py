"""Words of the programme, which are nobody's: names of projects, organisations and places."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from annotated_types import GroupedMetadata
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from libs.common.web.responses import Words

DIGITS_OF_AN_ID = 7
"""As many digits in a row are a phone number or somebody's id."""


@dataclass(frozen=True, slots=True)
class PlainWords(GroupedMetadata):
    """Words that lists show and are filtered by, and that stay when a complainant is forgotten.

    What looks like an e-mail address, a phone number or somebody's id is refused.
    """

    max_length: int

    def __iter__(self) -> Iterator[object]:
        """What pydantic reads in its place."""
        yield from Words(self.max_length)
        yield AfterValidator(_of_nobody)


def _of_nobody(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    if "@" in plain or _longest_number(plain) >= DIGITS_OF_AN_ID:
        raise PydanticCustomError(
            "names_somebody",
            "This is for names of the programme: no phone number, no e-mail address, no id.",
        )
    return text


def _longest_number(text: str) -> int:
    """How many digits follow each other; between them all is skipped but letters and commas."""
    longest = digits = 0
    for char in text:
        if char.isdecimal():
            digits += 1
            longest = max(longest, digits)
        elif char.isalpha() or char == ",":
            digits = 0
    return longest
