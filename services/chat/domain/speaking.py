"""The bot's words, in three ways of writing; they are rows of `data/replies.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from libs.language.categorising import CATEGORIES
from libs.language.detecting import Language
from services.chat.domain.hearing import read_data


@dataclass(frozen=True, slots=True)
class Button:
    """A choice one can press; the payload is what pressing it says."""

    title: str
    payload: str


class Voice:
    """Speaks one language; what has no Romanised form is said in Devanagari."""

    def __init__(self, language: str) -> None:
        self.language = language

    def say(self, key: str, **values: object) -> str:
        """The reply `key`, with its blanks filled."""
        return self._in("replies", key).format_map(values)

    def word(self, key: str) -> str:
        """A single word used inside replies."""
        return self._in("words", key)

    def status(self, status: str) -> str:
        """How people call the status of a case; an unknown one is called by its code."""
        return self._in("statuses", status) if status in _texts()["statuses"] else status

    def category(self, code: str) -> str:
        """How people call a category."""
        found = CATEGORIES.get(code)
        if found is None:
            return code
        return found.name_en if self.language == Language.ENGLISH else found.name_ne

    def button(self, key: str, action: str, *, title: str | None = None, **values: str) -> Button:
        """The button `key`, which says `/action{values}`."""
        payload = f"/{action}" + (json.dumps(values) if values else "")
        return Button(title or self.title(key), payload)

    def title(self, key: str, **values: str) -> str:
        """What stands on the button `key`."""
        return self._in("buttons", key).format_map(values)

    def _in(self, section: str, key: str) -> str:
        texts = _texts()[section][key]
        return texts.get(self.language) or texts[Language.NEPALI]


@cache
def _texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    found: dict[str, Any] = read_data("replies")
    return found
