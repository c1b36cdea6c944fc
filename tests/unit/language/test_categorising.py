"""Up to three suggestions for what a grievance is about."""

import pytest

from libs.language.categorising import CATEGORIES, suggest
from libs.language.resources import load


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Our street has had no electricity since the pole fell", "ACCESS_ELECTRICITY"),
        ("tap ma pani aaudaina hapta din bhayo", "ACCESS_WATER"),
        ("धारामा पानी आउन छाडेको हप्ता भयो", "ACCESS_WATER"),
        ("dhulo le ghar dhakiyo, crusher le dhuwa falcha", "AIR_POLLUTION"),
        ("सचिवले सिफारिस दिन घुस मागे", "CORRUPTION"),
        ("sachib le ghus magyo", "CORRUPTION"),
        ("Labourers on the tunnel were given no helmets", "LABOUR_OHS"),
        ("ठेकेदारले ज्याला तिरेन", "LABOUR_WAGES"),
        ("They want to pull down the old shrine and the chautari", "CULTURAL_SITE"),
        ("मेरो घरको भित्ता चर्कियो", "STRUCTURE_DAMAGE"),
        ("rukh katera lage", "TREE_CUTTING"),
        ("विद्यालयमा गणितका शिक्षक छैनन्", "EDUCATION"),
    ],
)
def test_the_first_suggestion_fits(text: str, code: str) -> None:
    """S1-18a, S1-21: a category is suggested without any model."""
    assert suggest(text)[0].code == code


def test_suggestions_are_ranked_limited_and_between_nought_and_one() -> None:
    text = "The road blasting cracked my house, dust everywhere, no compensation, tap dry, noise"
    found = suggest(text)
    confidences = [suggestion.confidence for suggestion in found]
    assert len(found) == 3
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 < confidence < 1 for confidence in confidences)
    assert suggest(text, limit=1) == found[:1]
    assert suggest(text, limit=9) == found
    assert suggest(text, limit=-1) == []


def test_unknown_words_are_other_and_no_words_are_nothing() -> None:
    assert [(found.code, found.confidence) for found in suggest("zzxq qqzx")] == [("OTHER", 0.0)]
    assert suggest("👍 …") == []


def test_saying_a_word_often_does_not_make_it_surer_than_two_facts() -> None:
    assert suggest("paani " * 50)[0].confidence < 1
    once, often = suggest("bribe and water"), suggest("bribe and water water")
    assert {found.code for found in once[:2]} == {found.code for found in often[:2]}


def test_every_category_has_both_names_and_every_term_a_category() -> None:
    assert len(CATEGORIES) == 42
    assert all(category.name_en and category.name_ne for category in CATEGORIES.values())
    labels = {label.partition(".")[0] for label in load("category_terms")["groups"]}
    assert labels <= CATEGORIES.keys()
    assert CATEGORIES["LAND_ACQUISITION"].high_priority
    assert not CATEGORIES["NOISE_POLLUTION"].high_priority
