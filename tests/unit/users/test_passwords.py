import asyncio
import re
import unicodedata
from threading import Event, Lock

import pytest

from services.users.domain.passwords import IN_LINE, Passwords, PasswordsBusy, new_password


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


async def test_two_at_a_time_also_when_nobody_waits_any_more(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty logins at once take the memory of two; a thread outlives the call it works for."""
    working = most = 0
    goes_on, counting = Event(), Lock()

    def work(_: str) -> str:
        nonlocal working, most
        with counting:
            working += 1
            most = max(most, working)
        goes_on.wait(5)
        with counting:
            working -= 1
        return ""

    monkeypatch.setattr(passwords._argon2, "hash", work)
    for _ in range(5):
        waiting = [asyncio.create_task(passwords.hash("x")) for _ in range(4)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    last = asyncio.create_task(passwords.hash("x"))
    await asyncio.sleep(0)
    goes_on.set()

    assert await last == ""
    assert most == 2


def test_a_made_password_is_read_off_a_screen_once() -> None:
    made = {new_password() for _ in range(1000)}

    assert len(made) == 1000
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){4}[0-9a-hjkmnp-tv-z]{4}", p) for p in made)


async def test_a_crowd_is_refused_at_once_and_nobody_after_it(passwords: Passwords) -> None:
    """Who would not be served in time would only be counted as a failure of the service."""
    found = await asyncio.gather(
        *(passwords.matches("x", None) for _ in range(IN_LINE + 20)), return_exceptions=True
    )

    assert sum(isinstance(each, PasswordsBusy) for each in found) == 20
    assert found.count(False) == IN_LINE
    assert not await passwords.matches("x", None)


async def test_a_password_is_the_same_from_every_keyboard(passwords: Passwords) -> None:
    kept = await passwords.hash("Łódź ढ़ zebra")

    assert await passwords.matches(unicodedata.normalize("NFD", "Łódź ढ़ zebra"), kept)
    assert await passwords.matches("Łódź ढ़ zebra", kept)
