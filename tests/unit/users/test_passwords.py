import asyncio
import re

import pytest

from services.users.domain.passwords import Passwords, new_password


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(memory_kib=64)


async def test_only_the_password_matches(passwords: Passwords) -> None:
    kept = await passwords.hash("correct-horse-battery")

    assert kept.startswith("$argon2id$")
    assert "correct" not in kept
    assert await passwords.matches("correct-horse-battery", kept)
    assert not await passwords.matches("correct-horse-batterz", kept)
    assert await passwords.hash("correct-horse-battery") != kept


async def test_nobody_has_a_password_and_checking_it_costs_as_much(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = passwords._argon2.verify

    def noting(password: str, kept: str) -> bool:
        checked.append(kept)
        return verify(password, kept)

    monkeypatch.setattr(passwords._argon2, "verify", noting)
    kept = await passwords.hash("correct-horse-battery")
    await passwords.matches("x", kept)
    assert not await passwords.matches("x", None)
    assert not await passwords.matches("", None)

    costs = [re.sub(r"\$[^$]+\$[^$]+$", "", each) for each in checked]
    assert len(checked) == 3
    assert len(set(costs)) == 1


async def test_two_at_a_time(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty logins at once take the memory of two."""
    working = most = 0

    async def work(*_: object) -> str:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0)
        working -= 1
        return ""

    monkeypatch.setattr(asyncio, "to_thread", work)
    await asyncio.gather(*(passwords.hash("x") for _ in range(20)))

    assert most == 2


def test_a_made_password_is_read_off_a_screen_once() -> None:
    made = {new_password() for _ in range(1000)}

    assert len(made) == 1000
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){4}[0-9a-hjkmnp-tv-z]{4}", p) for p in made)
