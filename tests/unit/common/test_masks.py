import pytest

from libs.common.masks import masked_but_end, masked_email, masked_name, masked_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Sita Sharma", "S*** S***"),
        ("  Sita   Kumari Sharma ", "S*** K*** S***"),
        ("X", "X***"),
        ("सीता शर्मा", "स*** श***"),
        ("", None),
        (None, None),
    ],
)
def test_of_a_name_the_first_letters_are_seen(name: str | None, masked: str | None) -> None:
    assert masked_name(name) == masked


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+9779812345678", "+97798****5678"),
        ("+97714123456", "+977****3456"),
        ("+12025550123", "+1****0123"),
        ("+3725123456", "+372****456"),
        ("+2907123", "+290****"),
        ("somebody", "****"),
        (None, None),
    ],
)
def test_of_a_number_the_country_and_the_end_are_seen(
    number: str | None, masked: str | None
) -> None:
    assert masked_phone(number) == masked


@pytest.mark.parametrize("country", ["+1", "+49", "+290", "+372", "+977"])
@pytest.mark.parametrize("length", range(2, 16))
def test_of_any_other_number_half_is_seen_at_most_and_four_digits_are_not(
    country: str, length: int
) -> None:
    digits = "123456789012345"[:length]
    shown = masked_phone(country + digits)

    assert shown is not None
    end = shown.removeprefix(f"{country}****")
    assert digits.endswith(end)
    assert len(end) <= length / 2
    assert length - len(end) >= min(4, length)


def test_what_is_shown_of_a_short_text_is_never_all_of_it() -> None:
    shown = {text: masked_but_end(text) for text in ("", "1", "1234", "12345", "12345678")}

    assert list(shown.values()) == ["****", "****", "****", "****5", "****5678"]


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("sita@example.org", "s***@example.org"),
        ("ram@example.org", "r***@example.org"),
        ("s@example.org", "***@example.org"),
        ("ab@b.co", "***@b.co"),
        (None, None),
    ],
)
def test_of_an_address_the_host_is_seen(email: str | None, masked: str | None) -> None:
    assert masked_email(email) == masked
