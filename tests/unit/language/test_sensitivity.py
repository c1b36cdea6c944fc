"""The rules that decide what needs a protected path."""

import time

import pytest

from libs.language.resources import load
from libs.language.sensitivity import Sensitivity, Verdict, triage

SEAH = [
    "The clerk wanted me to spend a night with him for the signature",
    "a site guard fondled a girl who was selling tea",
    "our boss shows us porn in the office",
    "A 15 year old from our lane got pregnant by a tipper driver",
    "the surveyor follows our daughters to college",
    "somebody films women while they bathe near the camp",
    "नाइकेले बहिनीलाई यौन प्रस्ताव राख्यो",
    "गार्डले छात्रालाई नराम्रोसँग छुन्छ",
    "मजदुरले आइमाईहरू नुहाएको लुकेर हेर्छन्",
    "१४ वर्षकी बालिका गर्भवती छिन्",
    "हाकिमले राति कोठामा बोलाउँछन्",
    "naike le didi lai jiskaucha",
    "gard le chhatra ko haat samatera jabarjasti angalo halyo",
    "thekedar le yaun sambandha rakha bhancha",
    "the accountant leers at my body and makes remarks",
    "naike le toilet ma mobile lukayera photo khichyo",
    "ओभरसियरले सुत्न आऊ अनि काम दिन्छु भन्छ",
    "kamdar le ketiko nango photo khichyo",
]
NOT_SEAH = [
    "The transformer hums so loudly that we cannot sleep",
    "My sister was not paid for her vegetables",
    "the excavator touched a live cable",
    "Pregnant women cannot reach the clinic because the bridge is shut",
    "we followed the procedure and still got no answer",
    "young people here need jobs",
    "the video of the broken hotel drain is attached",
    "बहिनीको खेतमा माटो खस्यो",
    "महिलाहरू पानी लिन टाढा जान्छन्",
    "राति आवाजले सुत्न पाइएन",
    "स्थानीय योजनामा हाम्रो टोल छुट्यो",
    "गर्भवती महिला अस्पताल जान बाटो छैन",
    "didi ko pasal ma dhulo pascha",
    "keti haru ko school tadha cha",
    "hamro yojana kina rokiyo",
]
HIGH_PRIORITY = [
    ("my husband beats me every night", "domestic_violence"),
    ("they threatened to throw us out of the village", "threat"),
    ("The dam office is seizing our land without consent", "land"),
    ("children of ten are working in the quarry", "child_labour"),
    ("गुण्डाले गाउँलेलाई कुटपिट गरे", "violence"),
    ("सोधखोज नगरी जग्गा अधिग्रहण गरियो", "land"),
    ("logne le raksi khayera pitcha", "domestic_violence"),
    ("ghar dozer le bhatkayo", "land"),
]


@pytest.mark.parametrize("text", SEAH)
def test_sexual_abuse_is_recognised_in_every_script(text: str) -> None:
    """S4-19: the protected path starts here; a miss would send the text to logs and models."""
    assert triage(text).sensitivity is Sensitivity.SEAH


@pytest.mark.parametrize("text", NOT_SEAH)
def test_ordinary_grievances_are_not_taken_for_abuse(text: str) -> None:
    assert triage(text).sensitivity is not Sensitivity.SEAH


@pytest.mark.parametrize(("text", "rule"), HIGH_PRIORITY)
def test_violence_threats_land_and_children_come_first(text: str, rule: str) -> None:
    assert triage(text) == Verdict(Sensitivity.HIGH_PRIORITY, rule)


def test_a_small_matter_is_standard() -> None:
    assert triage("नमस्ते, बत्ती कहिले आउँछ?") == Verdict(Sensitivity.STANDARD, "none")


def test_abuse_outranks_violence_in_the_same_message() -> None:
    assert triage("he beat my brother and then raped my cousin").sensitivity is Sensitivity.SEAH


def test_the_end_of_a_long_text_is_read() -> None:
    assert triage("pani aayena. " * 5_000 + "ani bahini lai balatkar garyo").rule == "strong_term"


def test_one_wrong_letter_does_not_hide_a_strong_term() -> None:
    assert triage("usle balatkhar garyo").sensitivity is Sensitivity.SEAH


def test_english_words_that_sound_nepali_are_english() -> None:
    assert triage("the rating of the yawning engineer").sensitivity is Sensitivity.STANDARD


def test_rule_codes_are_the_tables_own_and_say_nothing_of_the_text() -> None:
    codes = {row["code"] for row in load("sensitivity")["rules"]} | {"none"}
    assert {triage(text).rule for text in SEAH + NOT_SEAH} <= codes


@pytest.mark.parametrize(
    "unit", ["me touch ", "land house ", "ab", "expos", "\u0315\u0300", "9 8 "]
)
def test_time_grows_with_length_and_nothing_else(unit: str) -> None:
    started = time.perf_counter()
    triage(unit * (200_000 // len(unit)))
    assert time.perf_counter() - started < 2
