"""The bot's words are complete in every language."""

import string
from typing import Any

import pytest

from libs.language.detecting import Language
from services.chat.domain.asking import EDITABLE
from services.chat.domain.hearing import read_data
from services.chat.domain.speaking import Voice

TEXTS: dict[str, dict[str, dict[str, str]]] = read_data("replies")
EVERY = [
    pytest.param(texts, id=f"{section}.{key}")
    for section, keys in TEXTS.items()
    for key, texts in keys.items()
]


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("texts", EVERY)
def test_every_reply_exists_in_every_language_with_the_same_blanks(texts: dict[str, str]) -> None:
    assert set(texts) == set(Language)
    assert len({frozenset(blanks(text)) for text in texts.values()}) == 1


@pytest.mark.parametrize("texts", EVERY)
def test_every_reply_is_written_in_its_own_script(texts: dict[str, str]) -> None:
    def devanagari(text: str) -> int:
        return sum("\u0900" <= char <= "\u097f" for char in text)

    assert devanagari(texts["ne"]) or blanks(texts["ne"])
    assert devanagari(texts["ne-Latn"]) == 0


def test_every_part_that_can_be_changed_has_a_button() -> None:
    voice = Voice("ne")
    for slot in EDITABLE:
        assert voice.button(f"edit_{slot}", "edit", slot=slot.value).title


def test_a_status_nobody_named_is_called_by_its_code() -> None:
    assert Voice("en").status("brand_new") == "brand_new"
    assert Voice("ne").status("resolved") == "समाधान भएको"


def test_what_citizens_write_is_never_read_as_a_blank() -> None:
    values: dict[str, Any] = {
        "description": "{contact} {0}",
        "place": "",
        "contact": "",
        "photos": 0,
    }
    assert "{contact} {0}" in Voice("en").say("confirm", **values)
