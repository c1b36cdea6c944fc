"""One spelling for what people type."""

import time

import pytest

from libs.language.normalising import clean, skeleton, tokens
from libs.language.sounding import one_slip_apart, vowel_key


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("गुनासाे", "गुनासो"),
        ("अाज", "आज"),
        ("न\u200dम्ब\u200cर ९८", "नम्बर 98"),
        ("Paniiiii CHAINA", "panii chaina"),
    ],
)
def test_typing_accidents_are_repaired(typed: str, meant: str) -> None:
    assert clean(typed) == meant


def test_digits_are_never_squeezed() -> None:
    assert clean("रु ५०००००") == "रु 500000"


def test_nepali_words_are_not_cut_at_their_vowel_signs() -> None:
    assert tokens("खानेपानी आएको छैन।") == ["खानेपानी", "आएको", "छैन"]


@pytest.mark.parametrize(
    ("devanagari", "spellings"),
    [
        ("छैन", ["chaina", "chhaina", "xaina"]),
        ("भयो", ["bhayo", "vayo"]),
        ("क्षतिपूर्ति", ["kshatipurti", "chhatipoorti"]),
        ("बिजुली", ["bijuli", "bijulee"]),
        ("ठेकेदार", ["thekedar", "thekedaar"]),
    ],
)
def test_one_skeleton_joins_the_scripts(devanagari: str, spellings: list[str]) -> None:
    assert {skeleton(spelling) for spelling in spellings} == {skeleton(devanagari)}


def test_the_vowel_key_keeps_apart_what_the_skeleton_merges() -> None:
    assert skeleton("stan") == skeleton("sthan")
    assert vowel_key("stan") != vowel_key("sthan")


@pytest.mark.parametrize(
    ("left", "right", "near"),
    [
        ("balatkar", "balatkr", True),
        ("balatkar", "balatker", True),
        ("balatkar", "balatkars", True),
        ("balatkar", "balatkar", True),
        ("balatkar", "batalkar", False),
        ("balatkar", "baltkr", False),
    ],
)
def test_one_slip_is_one_letter(left: str, right: str, near: bool) -> None:
    assert one_slip_apart(left, right) is near


def test_a_pile_of_combining_marks_is_not_quadratic() -> None:
    started = time.perf_counter()
    clean("a" + "\u0315\u0300" * 200_000)
    assert time.perf_counter() - started < 2
