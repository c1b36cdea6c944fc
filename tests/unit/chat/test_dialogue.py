"""What is answered to what, without a database."""

from types import SimpleNamespace

import pytest

from services.chat.domain.answering import FaqBook
from services.chat.domain.dialogue import respond
from services.chat.domain.hearing import hear, read_data
from services.chat.domain.speaking import Voice
from services.chat.domain.state import State
from services.chat.domain.turn import Moment, Turn

BOOK = FaqBook([SimpleNamespace(**row) for row in read_data("faqs")])

COMPLAINTS = [
    "Bills show 200 bags of cement but only 120 were used in the wall.",
    "Voltage fluctuation destroyed our freezer, who pays the compensation?",
    "Midday meal has worms.",
    "Overtime is never counted.",
    "Who is responsible for the overhead tank? It overflows every night and the road floods.",
    "I registered complaint GRV-2026-0142 in Kartik and got no reply at all.",
    "My husband beats me since he got the compensation money.",
    "खानेपानीको पाइप फुटेको दुई हप्ता भयो, कसैले मर्मत गरेन।",
    "विद्यालयमा विज्ञानको शिक्षक छैन।",
    "क्षतिपूर्ति रकम बैंकमा आएन।",
    "karmachari le aama lai hapkayo",
    "wada sachib le sifaris ko lagi 5 hajar ghus magyo",
    "esewa bata tireko tara bill banki dekhaucha",
    "chiya kharcha nadie file sardaina re",
]
IN_DOUBT = ["they did the thing again on Monday", "उहाँले फेरि त्यस्तै गर्नुभयो", "teskai kura ho ni sir"]


def answered(state: State, text: str, *, language: str = "en") -> Turn:
    return respond(Moment(state, hear(text), Voice(language), (), BOOK))


@pytest.mark.parametrize("text", COMPLAINTS)
def test_a_complaint_gets_into_the_form_with_its_own_words(text: str) -> None:
    state = State()
    answered(state, text)
    if state.slot == "offer":
        answered(state, "yes")
    assert state.is_in_form
    assert state.draft.description == text


@pytest.mark.parametrize("text", IN_DOUBT)
def test_in_doubt_it_is_asked_before_the_form_begins(text: str) -> None:
    state = State()
    answered(state, text)
    assert state.slot == "offer"
    answered(state, "no")
    assert state == State()


def test_another_text_takes_the_place_of_what_was_offered() -> None:
    state = State()
    answered(state, IN_DOUBT[0])
    answered(state, COMPLAINTS[0])
    assert state.draft.description == COMPLAINTS[0]


@pytest.mark.parametrize(
    ("said", "name", "phone"),
    [
        ("Sita Sharma 9812345678", "Sita Sharma", "+9779812345678"),
        ("सीता शर्मा, ९८१२३४५६७८", "सीता शर्मा", "+9779812345678"),
        ("+977 981-2345678 Ram", "Ram", "+9779812345678"),
        ("Ram Thapa", "Ram Thapa", None),
    ],
)
def test_a_name_and_a_number_may_come_together(said: str, name: str, phone: str | None) -> None:
    state = State()
    for text in (COMPLAINTS[0], "skip", said):
        answered(state, text)
    assert (state.draft.name, state.draft.phone) == (name, phone)
    assert state.slot == ("photo" if phone else "contact_phone")


def test_a_number_alone_still_asks_for_the_name() -> None:
    state = State()
    for text in (COMPLAINTS[0], "skip", "9812345678"):
        answered(state, text)
    assert state.slot == "contact_name"
    answered(state, "Sita")
    assert state.slot == "photo"


@pytest.mark.parametrize("said", ["12 34", "x" * 101, "123456789012345678901"])
def test_what_is_no_name_is_asked_again(said: str) -> None:
    state = State()
    for text in (COMPLAINTS[0], "skip", "name and phone", said):
        answered(state, text)
    assert state.slot == "contact_name"


def test_a_place_is_read_for_its_ward_and_kept_in_its_own_words() -> None:
    state = State()
    answered(state, COMPLAINTS[0])
    answered(state, "भरतपुर वडा नं ७ चोक नजिक")
    assert (state.draft.ward, state.draft.place) == (7, "भरतपुर वडा नं ७ चोक नजिक")


def test_a_place_too_long_is_asked_again() -> None:
    state = State()
    answered(state, COMPLAINTS[0])
    answered(state, "near the river " * 40)
    assert state.slot == "place"


def test_a_changed_draft_needs_a_new_yes() -> None:
    state = State()
    for text in (COMPLAINTS[0], "skip", "anonymous", "skip"):
        answered(state, text)
    before = state.token
    for text in ("/edit", '/edit{"slot": "contact"}', "Ram 9812345678"):
        answered(state, text)
    assert state.slot == "confirm"
    assert state.token not in {None, before}
    assert answered(state, f'/confirm{{"token": "{before}"}}').effect is None
    assert answered(state, f'/confirm{{"token": "{state.token}"}}').effect is not None


@pytest.mark.parametrize(
    ("text", "faq_id"),
    [
        ("which documents do i need to file?", "faq-papers"),
        ("गुनासो दर्ता गर्न के के कागज चाहिन्छ?", "faq-papers"),
        ("gunaso darta garna ke ke kagaj chahinxa?", "faq-papers"),
        ("is it free?", "faq-cost"),
        ("can i remain anonymous?", "faq-anonymous"),
        ("photo kasari pathaune ho?", "faq-photo"),
    ],
)
def test_the_nearest_question_is_found_in_any_script(text: str, faq_id: str) -> None:
    """S2-07."""
    assert BOOK.find(text)[0].entry.id == faq_id


@pytest.mark.parametrize("text", ["Write me a poem about momo.", "the weather in Paris", "पोखरा"])
def test_what_nobody_asks_has_no_sure_answer(text: str) -> None:
    assert all(match.confidence < 0.58 for match in BOOK.find(text))
