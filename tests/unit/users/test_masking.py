import pytest

from services.users.domain.masking import masked_national_id


@pytest.mark.parametrize(
    ("national_id", "masked"),
    [
        ("12-01-75-00123", "****0123"),
        ("१२-०१-७५-००१२३", "****0123"),
        ("AB-1234", "****34"),
        ("1234", "****"),
        (None, None),
    ],
)
def test_of_a_national_id_half_is_seen_at_most(national_id: str | None, masked: str | None) -> None:
    assert masked_national_id(national_id) == masked
