import pytest

from services.users.domain.masking import (
    masked_email,
    masked_name,
    masked_national_id,
    masked_phone,
)


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
    [("+9779812345678", "+97798****5678"), ("+97714123456", "+97714****3456"), (None, None)],
)
def test_of_a_number_both_ends_are_seen(number: str | None, masked: str | None) -> None:
    assert masked_phone(number) == masked


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("sita@example.org", "s***@example.org"),
        ("s@example.org", "s***@example.org"),
        (None, None),
    ],
)
def test_of_an_address_the_host_is_seen(email: str | None, masked: str | None) -> None:
    assert masked_email(email) == masked


@pytest.mark.parametrize(
    ("national_id", "masked"),
    [
        ("12-01-75-00123", "****0123"),
        ("१२-०१-७५-००१२३", "****0123"),
        ("AB-1234", "****234"),
        ("1234", "****34"),
        (None, None),
    ],
)
def test_of_a_national_id_half_is_seen_at_most(national_id: str | None, masked: str | None) -> None:
    assert masked_national_id(national_id) == masked
