"""The retry budget (reliability row 37: no second outage)."""

import random

import pytest

from services.gateway.domain.retrying import RetryBudget


class Clock:
    now = 500.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def granted(budget: RetryBudget, asked: int = 1000) -> int:
    return sum(budget.may_retry() for _ in range(asked))


def test_retries_are_a_tenth_of_the_calls(clock: Clock) -> None:
    budget = RetryBudget(clock=clock)
    for _ in range(1000):
        budget.note()

    assert granted(budget) == 100


def test_quiet_times_can_retry(clock: Clock) -> None:
    budget = RetryBudget(clock=clock)

    assert granted(budget) == 10
    clock.now += 5
    assert granted(budget) == 0
    clock.now += 6
    assert granted(budget) == 10


def test_an_outage_under_load_is_not_made_a_storm(clock: Clock) -> None:
    """Row 37: every call fails and wants three tries; what arrives is a tenth more."""
    budget = RetryBudget(clock=clock)
    retries = 0
    for _ in range(20 * 200):
        clock.now += 1 / 200
        budget.note()
        retries += budget.may_retry() or budget.may_retry()

    assert 0.08 * 4000 < retries <= 0.1 * 4000


@pytest.mark.parametrize("seed", range(10))
def test_no_ten_seconds_have_more_retries_than_they_may(seed: int, clock: Clock) -> None:
    """Wherever they begin: counted from every retry granted, with exact moments."""
    chance = random.Random(seed)  # noqa: S311
    budget = RetryBudget(clock=clock)
    calls: list[float] = []
    retries: list[float] = []
    for _ in range(4000):
        clock.now += chance.choice([0.0, 0.001, 0.01, 0.1]) * chance.random()
        clock.now += 8 * chance.random() if chance.random() < 0.003 else 0
        if chance.random() < 0.8:
            budget.note()
            calls.append(clock.now)
        elif budget.may_retry():
            retries.append(clock.now)
            begin = clock.now - 10
            lately = sum(at > begin for at in retries)
            assert lately <= max(0.1 * sum(at > begin for at in calls), 10)
    assert len(retries) > 50
