"""What the rules make of a message."""

import pytest

from libs.language.sensitivity import Sensitivity
from services.chat.domain.hearing import hear

MEANINGS = [
    ("hello sir", "greeting"),
    ("नमस्कार हजुर", "greeting"),
    ("thank you very much", "thanks"),
    ("dherai dhanyabad", "thanks"),
    ("yes please", "affirm"),
    ("हुन्छ", "affirm"),
    ("thik cha", "affirm"),
    ("no", "deny"),
    ("होइन", "deny"),
    ("hoina", "deny"),
    ("cancel it", "cancel"),
    ("रद्द गर्नुहोस्", "cancel"),
    ("skip", "skip"),
    ("फोटो छैन", "skip"),
    ("thaha chaina", "skip"),
    ("stay anonymous please", "anonymous"),
    ("गोप्य राख्नुहोस्", "anonymous"),
    ("gopya", "anonymous"),
    ("I want to file a complaint", "file"),
    ("गुनासो दर्ता गर्नु छ", "file"),
    ("gunaso darta garna", "file"),
    ("I accept", "accept"),
    ("स्वीकार छ", "accept"),
    ("in english please", "english"),
]


@pytest.mark.parametrize(("text", "meaning"), MEANINGS)
def test_a_short_answer_is_understood_in_three_ways_of_writing(text: str, meaning: str) -> None:
    assert hear(text).means(meaning)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("yes but the ward is wrong", "affirm"),
        ("no water for four days", "deny"),
        ("पानी छैन", "deny"),
        ("hello, they broke the pipe", "greeting"),
        ("cancel the contract of the contractor", "cancel"),
    ],
)
def test_a_word_inside_a_sentence_is_not_the_answer(text: str, meaning: str) -> None:
    assert not hear(text).means(meaning)


@pytest.mark.parametrize(
    "text",
    [
        "status",
        "where is my complaint",
        "what happened to GRV-2026-0042?",
        "मेरो गुनासो कहाँ पुग्यो?",
        "mero gunaso k bhayo",
        "GRV-2026-0042",
    ],
)
def test_somebody_asks_where_a_case_stands(text: str) -> None:
    assert hear(text).asks_status


@pytest.mark.parametrize(
    "text",
    [
        "Where is my compensation payment? The bank says nothing came.",
        "I registered complaint GRV-2026-0142 in Kartik and got no reply at all.",
        "तीन हप्तादेखि फोहोर उठेको छैन।",
    ],
)
def test_somebody_complains_and_does_not_ask_for_a_status(text: str) -> None:
    assert not hear(text).asks_status


def test_a_button_says_its_name_and_its_values() -> None:
    command = hear('/confirm{"token": "abc", "n": 1}').command
    assert command
    assert (command.name, command.values) == ("confirm", {"token": "abc"})


@pytest.mark.parametrize("text", ["/confirm{", "/Confirm", "confirm", "/a/b", "/confirm{} now"])
def test_what_is_not_a_button_is_a_text(text: str) -> None:
    assert hear(text).command is None


def test_abuse_is_heard_at_the_end_of_a_long_story() -> None:
    story = "The road is broken and full of holes. " * 100
    assert hear(f"{story} He touched my breast.").sensitivity is Sensitivity.SEAH


@pytest.mark.parametrize("text", ["👍", "...", "९८१२३४५६७८", "?!"])
def test_there_is_no_word_in_it(text: str) -> None:
    heard = hear(text)
    assert not heard.is_readable
    assert heard.language is None
