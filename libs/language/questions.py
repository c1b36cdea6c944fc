"""What to ask next: only what the message left open, at most three questions, none for SEAH.

A survivor is never questioned by a machine; the SEAH officer decides what is asked and how.
"""

from functools import cache
from typing import Any

from libs.language.detecting import Language
from libs.language.entities import Entities
from libs.language.resources import load

_MOST = 3
_SILENT = frozenset({"SEAH", "GENDER_HARASSMENT"})
_GENERAL = "OTHER"


def follow_ups(category_code: str, found: Entities, language: Language) -> list[str]:
    """Up to three questions on what `found` lacks; Romanised writers are answered in their script.

    Where and since when are asked only if no place, ward or time was found. A category without
    questions of its own gets the general ones.
    """
    if category_code in _SILENT:
        return []
    data = _questions()
    known = {"place": found.places or found.wards, "time": found.dates}
    rows = data["categories"].get(category_code, data["categories"][_GENERAL])
    return [data["questions"][name][language.value] for name in rows if not known.get(name)][:_MOST]


@cache
def _questions() -> Any:
    return load("questions")
