from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from libs.language.resources import load
from services.grievance.schemas.plain_words import PlainWords

WORDS: TypeAdapter[str] = TypeAdapter(Annotated[str, PlainWords(100)])


@pytest.mark.parametrize(
    "text",
    [
        "9841234567",
        "call 984-1234567 at night",
        "+977 984 123 4567",
        "(01) 442.12.30",
        "९८४१२३४५६७",
        "９８４１２３４５６７",
        "٩٨٤١٢٣٤",
        "984\u200b1234\u2011567",
        "12-01-75-0123",
        "१२/०१/७५/०१२३",
        "ward7841234",
        "sita@example.org",
        "sita\uff20example",
    ],
)
def test_what_looks_like_a_phone_an_email_or_an_id_is_refused_and_not_repeated(text: str) -> None:
    """Issue 4: what outlives a complainant holds nobody's number."""
    with pytest.raises(ValidationError) as refused:
        WORDS.validate_python(text)

    [problem] = refused.value.errors(include_url=False, include_input=False)
    assert problem["type"] == "names_somebody"
    assert problem["msg"].startswith("This is for names of the programme")
    assert text not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "water",
        "Koshi/Sunsari/Dharan-7",
        "Road Office 123456",
        "Wards 1, 2, 3, 4, 5, 6, 7, 8",
        "Package 2078/79",
        "Lot 1234 and lot 5678",
        "कोशी प्रदेश सडक कार्यालय २०७८",
    ],
)
def test_names_of_the_programme_pass_as_they_are(text: str) -> None:
    assert WORDS.validate_python(f" {text} ") == text


@pytest.mark.parametrize("text", ["", "  ", "x" * 101, 7, None])
def test_they_are_words_like_others(text: object) -> None:
    with pytest.raises(ValidationError):
        WORDS.validate_python(text)


def test_chat_may_file_whatever_place_it_knows() -> None:
    districts = [each for province in load("places")["provinces"] for each in province["districts"]]
    names = [unit[0] for district in districts for unit in district["units"]]
    assert [WORDS.validate_python(name) for name in names] == names != []
