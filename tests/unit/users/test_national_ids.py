import pytest

from services.users.domain.national_ids import InvalidNationalId, normalised


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("12-01-75-00123", "12017500123"),
        (" 12 01/75.00123\n", "12017500123"),
        ("१२-०१-७५-००१२३", "12017500123"),
        ("१२-०1-७५-0012३", "12017500123"),
        ("１２０１７５００１２３", "12017500123"),
        ("ab-1234", "AB1234"),
        ("ＡＢ１２３４", "AB1234"),
        ("काठ-१२३४", "कठ1234"),
    ],
)
def test_one_id_has_one_spelling(written: str, plain: str) -> None:
    """S4-06."""
    assert normalised(written) == plain


@pytest.mark.parametrize("written", ["", "-", "123", "²²²²", "①②③④", "\0\0\0\0", "----"])
def test_what_nobody_could_have_is_refused(written: str) -> None:
    with pytest.raises(InvalidNationalId):
        normalised(written)
