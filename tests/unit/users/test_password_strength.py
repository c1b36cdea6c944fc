import pytest

from services.users.domain.passwords import PasswordTooWeak, check_strength, new_password


@pytest.mark.parametrize(
    "password",
    ["correct-horse-battery", "a passphrase of some length", "sita likes yellow marigolds"],
)
async def test_a_password_nobody_has_is_good(password: str) -> None:
    await check_strength(password, about=["Sita Sharma"])


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "aaaaaaaaaaaaaaaa",
        "qwertyuiop12",
        "sitasharma1234",
        "SitaSharma9812345678",
        "sita@example.org",
        "officer.dharan1",
    ],
)
async def test_lists_patterns_and_ones_own_words_are_guessed(password: str) -> None:
    """Issue 4: weak passwords are refused."""
    about = ["Sita Sharma", "+9779812345678", "sita@example.org", "officer.dharan", None]
    with pytest.raises(PasswordTooWeak) as caught:
        await check_strength(password, about=about)

    assert caught.value.suggestions
    assert password not in str(caught.value.details)


async def test_a_long_password_is_looked_at_in_part() -> None:
    """The estimate takes ever longer for more."""
    with pytest.raises(PasswordTooWeak):
        await check_strength("ab" * 128, about=[])


async def test_passwords_that_are_made_here_are_good() -> None:
    for _ in range(50):
        await check_strength(new_password(), about=["Administrator"])
