"""Facts that can be lifted from a message: phones, references, wards, places and times.

They fill forms and decide which questions are still worth asking; a person confirms them.
"""

import re
from dataclasses import dataclass, field

from libs.language.normalising import INPUT_LIMIT, standardise
from libs.language.numbering import find_phones, find_references, find_times, find_wards
from libs.language.places import Place, find_places

__all__ = ["Entities", "Place", "extract"]

_WORD = re.compile(r"[\u0900-\u0963\u0966-\u097f\w]+")
_HOUSE_NUMBER = re.compile(r"-\s?(\d{1,2})(?![\d-])")
_LAST_WARD = 33


@dataclass(slots=True)
class Entities:
    """What was found, each list in the order of the text and without repeats.

    Phones and times are as written, with ASCII digits; references are in capitals. `dates`
    holds calendar dates of both calendars and spans such as "3 days" or "since Sunday".
    """

    phones: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    wards: list[int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)


def extract(text: str) -> Entities:
    """Every phone, reference, ward, place and date in the first 2,000 characters of `text`."""
    plain = standardise(text[:INPUT_LIMIT])
    references, rest = find_references(plain)
    phones, rest = find_phones(rest)
    dates, rest = find_times(rest)
    places, wards = _located(rest)
    return Entities(
        phones=phones,
        references=references,
        wards=list(dict.fromkeys([*find_wards(rest), *wards])),
        places=list(dict.fromkeys(places)),
        dates=dates,
    )


def _located(plain: str) -> tuple[list[Place], list[int]]:
    """The places in `plain`, and the wards written after one, as in Pokhara-17."""
    spans = list(_WORD.finditer(plain))
    places: list[Place] = []
    wards: list[int] = []
    for found in find_places([span.group() for span in spans]):
        places.append(found.place)
        number = _HOUSE_NUMBER.match(plain, spans[found.end - 1].end())
        if number and 0 < int(number[1]) <= _LAST_WARD:
            wards.append(int(number[1]))
    return places, wards
