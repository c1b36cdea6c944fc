"""Summaries, questions and the whole reading."""

import pickle
import random
import re

import pytest

from libs.language.categorising import CATEGORIES
from libs.language.detecting import Language
from libs.language.entities import Entities, extract
from libs.language.questions import follow_ups
from libs.language.reading import read
from libs.language.resources import load, version
from libs.language.sensitivity import triage
from libs.language.summarising import summarise

LONG = (
    "Hello sir. My name is Sita Example of Damak. "
    "The water tank above ward 5 has leaked since 12 March. "
    "I hope you are well. The leaking tank floods the road below and the water never reaches us. "
    "Thank you."
)


def test_a_summary_is_made_of_the_messages_own_sentences() -> None:
    """S1-18a."""
    assert summarise(LONG) == (
        "The water tank above ward 5 has leaked since 12 March. "
        "The leaking tank floods the road below and the water never reaches us."
    )


def test_nepali_sentences_end_at_the_danda() -> None:
    text = "पुल भाँचियो।बाटो पनि बिग्रियो।"
    assert summarise(text) == "पुल भाँचियो। बाटो पनि बिग्रियो।"
    assert summarise(text, 20) == "पुल भाँचियो।"


def test_a_summary_keeps_the_writers_letters_and_can_always_be_stored() -> None:
    assert (
        summarise("कामदारले पैसा मागेर हैरान गर्\u200dयो ५ पटक")
        == "कामदारले पैसा मागेर हैरान गर्\u200dयो ५ पटक"
    )
    assert summarise("half a \ud800 letter and a \0 sign") == "half a letter and a sign"


@pytest.mark.parametrize("most", [0, 1, 20, 100, 220])
def test_a_summary_never_exceeds_its_room(most: int) -> None:
    assert len(summarise("शब्द " * 300, most)) <= most
    assert len(summarise("x" * 5_000, most)) <= most


def test_questions_ask_only_for_what_is_missing() -> None:
    """S1-18c."""
    nothing = follow_ups("ACCESS_WATER", Entities(), Language.ENGLISH)
    told = follow_ups("ACCESS_WATER", extract("Damak since 3 days"), Language.ENGLISH)
    assert len(nothing) == 3
    assert any("ward" in question for question in nothing)
    assert not any("ward" in question or "Since when" in question for question in told)


@pytest.mark.parametrize("code", ["SEAH", "GENDER_HARASSMENT"])
def test_a_survivor_is_never_questioned(code: str) -> None:
    assert follow_ups(code, Entities(), Language.NEPALI) == []


def test_every_category_has_questions_in_every_language() -> None:
    rows = load("questions")["categories"]
    assert rows.keys() == CATEGORIES.keys() - {"SEAH", "GENDER_HARASSMENT"}
    for language in Language:
        for code in rows:
            assert 1 <= len(follow_ups(code, Entities(), language)) <= 3
    assert follow_ups("NO_SUCH", Entities(), Language.NEPALI)


def test_a_reading_names_the_version_of_its_data_and_survives_a_process_border() -> None:
    """S3-03d, S1-21."""
    reading = read("धारामा पानी छैन")
    assert re.fullmatch(r"offline-[0-9a-f]{12}", reading.engine)
    assert reading.engine == version()
    assert pickle.loads(pickle.dumps(reading)) == reading  # noqa: S301


def test_a_seah_message_gets_no_other_category() -> None:
    assert [found.code for found in read("kamdar le bahini lai balatkar garyo").categories] == [
        "SEAH"
    ]


def test_no_string_breaks_any_reader() -> None:
    chance = random.Random(11)  # noqa: S311
    ranges = [(0, 0x80), (0x900, 0x980), (0x2000, 0x2070), (0xD7F0, 0xE010), (0, 0x110000)]
    odd = ["", "\0", "\ud800", "😀" * 50, "\u0300" * 5_000, "।" * 500, "{woman} .. a|b*"]
    odd += [
        "".join(chr(chance.randrange(*chance.choice(ranges))) for _ in range(60))
        for _ in range(500)
    ]
    for text in odd:
        triage(text)
        read(text)
        follow_ups(text, extract(text), Language.ROMANISED)
