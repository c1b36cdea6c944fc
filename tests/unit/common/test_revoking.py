"""Keeping up with who has signed out (issue 4: revocation effective everywhere within 5 s)."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from libs.common.errors import Unavailable
from libs.common.revocations import RevocationPage, Revocations
from libs.common.testing.stage import until
from libs.common.web import revoking as module
from libs.common.web.revoking import OVERLAP, Revoking

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Users:
    """Lists what it is told to, two at a time, and remembers what it was asked."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.now = NOON
        self.asked: list[tuple[datetime | None, str | None]] = []
        self.is_away = False

    async def __call__(self, since: datetime | None, cursor: str | None) -> RevocationPage:
        self.asked.append((since, cursor))
        if self.is_away:
            raise Unavailable("away")
        begin = int(cursor or 0)
        end = begin + 2
        more = str(end) if end < len(self.items) else None
        return RevocationPage(items=self.items[begin:end], as_of=self.now, next_cursor=more)


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> Users:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.02)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    return Users()


@asynccontextmanager
async def running(revoking: Revoking) -> AsyncIterator[None]:
    task = asyncio.create_task(revoking.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_the_first_time_all_is_asked_for_page_by_page(users: Users) -> None:
    users.items = [f"s-{n}" for n in range(5)]
    revoked = Revocations()
    async with running(Revoking(revoked, users)):
        await until(lambda: len(users.asked) >= 4)

    assert users.asked[:3] == [(None, None), (None, "2"), (None, "4")]
    assert all(f"s-{n}" in revoked for n in range(5))


async def test_afterwards_the_windows_overlap(users: Users) -> None:
    """By the clock of users: whoever asks may be early or late."""
    async with running(Revoking(Revocations(), users)):
        await until(lambda: len(users.asked) >= 2)
        users.now += timedelta(seconds=100)
        asked = len(users.asked)
        await until(lambda: len(users.asked) >= asked + 2)

    assert users.asked[1] == (NOON - OVERLAP, None)
    assert users.asked[-1] == (NOON + timedelta(seconds=100) - OVERLAP, None)


async def test_what_could_not_be_read_to_its_end_is_asked_for_again(users: Users) -> None:
    users.items = ["a", "b", "c"]
    broken = True

    async def source(since: datetime | None, cursor: str | None) -> RevocationPage:
        if cursor and broken:
            raise Unavailable("away")
        return await users(since, cursor)

    revoked = Revocations()
    async with running(Revoking(revoked, source)):
        await until(lambda: len(users.asked) >= 2)
        assert "a" in revoked
        assert "c" not in revoked
        broken = False
        await until(lambda: "c" in revoked)

    assert {since for since, _ in users.asked[:4]} == {None}


async def test_only_what_is_new_is_told(users: Users) -> None:
    told: list[set[str]] = []

    async def tell(new: Collection[str]) -> None:
        told.append(set(new))

    users.items = ["a"]
    async with running(Revoking(Revocations(), users, tell=tell)):
        await until(lambda: len(users.asked) >= 3)
        users.items = ["a", "b"]
        await until(lambda: len(told) == 2)

    assert told == [{"a"}, {"b"}]


async def test_who_is_away_is_logged_once_and_what_is_known_holds(
    users: Users, capsys: pytest.CaptureFixture[str]
) -> None:
    users.items = ["a"]
    revoked = Revocations()
    async with running(Revoking(revoked, users)):
        await until(lambda: "a" in revoked)
        users.is_away = True
        asked = len(users.asked)
        await until(lambda: len(users.asked) >= asked + 5)

    assert "a" in revoked
    assert capsys.readouterr().out.count("revocations.waiting") == 1


async def test_a_fault_in_who_is_told_ends_nothing(users: Users) -> None:
    async def tell(new: Collection[str]) -> None:
        raise RuntimeError("a fault")

    users.items = ["a"]
    revoked = Revocations()
    async with running(Revoking(revoked, users, tell=tell)):
        await until(lambda: len(users.asked) >= 3)

    assert "a" in revoked


async def test_one_need_not_wait_for_the_next_round(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 30.0)
    revoking = Revoking(Revocations(), users)
    async with running(revoking):
        await until(lambda: len(users.asked) == 1)
        revoking.ask_at_once()
        await until(lambda: len(users.asked) == 2, seconds=5)

    assert len(users.asked) == 2


def test_what_nobody_can_show_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.common.revocations.TIDY_ABOVE", 3)
    now = 0.0
    monkeypatch.setattr("libs.common.revocations.monotonic", lambda: now)
    revoked = Revocations()
    assert revoked.add(["a", "b", "", "a"], seconds=10) == {"a", "b"}
    now = 11.0
    revoked.add(["c", "d"], seconds=10)

    assert (len(revoked), "a" in revoked, "d" in revoked) == (2, False, True)
