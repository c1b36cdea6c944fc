import pytest

from libs.common.phones import InvalidPhone, ascii_digits, e164


@pytest.mark.parametrize(
    "written",
    [
        "+9779812345678",
        "9812345678",
        "+977-981-2345678",
        "00977 9812345678",
        "977 9812345678",
        "९८१२३४५६७८",
        "981२३४5678",
        "９８１２３４５６７８",
        " 9812345678 ",
        "(981) 234-5678",
    ],
)
def test_every_spelling_is_one_number(written: str) -> None:
    """S1-27: a complainant is found by phone however it was written."""
    assert e164(written) == "+9779812345678"


def test_the_sources_own_example_is_taken() -> None:
    assert e164("+9771234567890") == "+9771234567890"


@pytest.mark.parametrize(
    "written",
    ["", " ", "98ABCDEFGH", "①②③④⑤⑥⑦⑧⑨⑩", "⁹⁸¹²³⁴⁵⁶⁷⁸", "98123", "++9779812345678",
     "9" * 41, "98\x0012345678", "981234567'8--", "98\n12345678"],
)  # fmt: skip
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(InvalidPhone):
        e164(written)


def test_decimal_digits_of_every_script_are_digits_and_others_stay() -> None:
    assert ascii_digits("१८:३० ٤ ① ²") == "18:30 4 ① ²"
