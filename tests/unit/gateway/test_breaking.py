"""The breaker (issue 3; reliability rows 15, 37 and 40)."""

import random

import pytest

from services.gateway.domain.breaking import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    PROBE_SECONDS,
    Breaker,
    State,
    is_failure,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("users", clock=clock, chance=lambda: 0.0)


def state(breaker: Breaker) -> State:
    return breaker.state


def fail(breaker: Breaker, times: int = 5) -> None:
    for _ in range(times):
        breaker.failed(breaker.admit())


def opened(breaker: Breaker, clock: Clock) -> Breaker:
    fail(breaker)
    clock.now += FIRST_PAUSE_SECONDS
    return breaker


def test_five_failures_in_a_row_open_it_and_four_do_not(breaker: Breaker) -> None:
    fail(breaker, 4)
    breaker.succeeded(breaker.admit())
    fail(breaker, 4)
    assert state(breaker) is State.CLOSED

    fail(breaker, 1)

    assert state(breaker) is State.OPEN
    assert not breaker.admit()


def test_half_of_at_least_twenty_results_open_it(breaker: Breaker) -> None:
    for _ in range(9):
        fail(breaker, 1)
        breaker.succeeded(breaker.admit())
    breaker.succeeded(breaker.admit())
    assert state(breaker) is State.CLOSED, "19 results"

    fail(breaker, 1)

    assert state(breaker) is State.OPEN


def test_a_breaker_that_closed_begins_anew(breaker: Breaker, clock: Clock) -> None:
    for _ in range(10):
        breaker.succeeded(breaker.admit())
        fail(breaker, 1)
    clock.now += FIRST_PAUSE_SECONDS
    breaker.succeeded(breaker.admit())

    fail(breaker, 4)

    assert state(breaker) is State.CLOSED


def test_less_than_half_opens_nothing_however_much_it_is(breaker: Breaker, clock: Clock) -> None:
    for _ in range(300):
        for good in (True, True, True, False, False):
            clock.now += 0.01
            epoch = breaker.admit()
            breaker.succeeded(epoch) if good else breaker.failed(epoch)

    assert state(breaker) is State.CLOSED


def test_what_was_bad_long_ago_is_forgotten(breaker: Breaker, clock: Clock) -> None:
    for _ in range(9):
        fail(breaker, 1)
        breaker.succeeded(breaker.admit())
    clock.now += 10.0
    fail(breaker, 2)

    assert state(breaker) is State.CLOSED


def test_half_open_lets_exactly_one_probe_through(breaker: Breaker, clock: Clock) -> None:
    """Reliability row 37: half-open, one probe."""
    fail(breaker)
    clock.now += FIRST_PAUSE_SECONDS - 0.01
    assert not breaker.admit()

    clock.now += 0.01
    assert state(breaker) is State.HALF_OPEN
    probe, *others = [breaker.admit() for _ in range(50)]

    assert probe
    assert not any(others)
    breaker.succeeded(probe)
    assert state(breaker) is State.CLOSED
    assert all(breaker.admit() for _ in range(50))


def test_pauses_double_up_to_the_longest_and_begin_anew(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    pauses = []
    for _ in range(5):
        asked = clock.now
        while not (probe := breaker.admit()):
            clock.now += 0.125
        pauses.append(clock.now - asked)
        breaker.failed(probe)
    assert pauses == [2, 4, 8, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]

    clock.now += LONGEST_PAUSE_SECONDS
    breaker.succeeded(breaker.admit())
    fail(breaker)
    clock.now += FIRST_PAUSE_SECONDS

    assert state(breaker) is State.HALF_OPEN


def test_pauses_and_invitations_are_spread(clock: Clock) -> None:
    """Reliability row 37: jitter."""
    chance = random.Random(7).random  # noqa: S311
    breakers = [Breaker("users", clock=clock, chance=chance) for _ in range(100)]
    for breaker in breakers:
        fail(breaker)

    assert {breaker.retry_after for breaker in breakers} == {2, 3, 4}
    clock.now += 1.75
    assert 25 < sum(state(breaker) is State.HALF_OPEN for breaker in breakers) < 75
    clock.now += 0.25
    assert all(state(breaker) is State.HALF_OPEN for breaker in breakers)
    assert {breaker.retry_after for breaker in breakers} == {1, 2, 3}


def test_a_probe_whose_client_leaves_makes_place_for_the_next(
    breaker: Breaker, clock: Clock
) -> None:
    opened(breaker, clock)
    left = breaker.admit()
    breaker.abandoned(left)
    breaker.succeeded(left)
    assert state(breaker) is State.HALF_OPEN, "nobody listens to the one who left"

    probe = breaker.admit()

    assert probe
    breaker.failed(left)
    assert state(breaker) is State.HALF_OPEN
    breaker.succeeded(probe)
    assert state(breaker) is State.CLOSED


def test_a_probe_that_lasts_keeps_nobody_else_from_trying(breaker: Breaker, clock: Clock) -> None:
    opened(breaker, clock)
    slow = breaker.admit()
    clock.now += PROBE_SECONDS
    quick = breaker.admit()
    breaker.failed(slow)
    assert state(breaker) is State.HALF_OPEN

    breaker.succeeded(quick)

    assert state(breaker) is State.CLOSED


def test_a_probe_that_lasts_still_counts_while_it_is_alone(breaker: Breaker, clock: Clock) -> None:
    opened(breaker, clock)
    slow = breaker.admit()
    clock.now += PROBE_SECONDS * 2
    breaker.succeeded(slow)

    assert state(breaker) is State.CLOSED


def test_results_of_an_earlier_state_are_not_heard(breaker: Breaker, clock: Clock) -> None:
    old = [breaker.admit() for _ in range(100)]
    opened(breaker, clock)
    breaker.succeeded(old.pop())
    assert state(breaker) is State.HALF_OPEN, "a late answer is no probe"
    probe = breaker.admit()
    breaker.failed(old.pop())
    breaker.abandoned(old.pop())
    assert not breaker.admit(), "the probe is still out"
    breaker.succeeded(probe)

    for epoch in old:
        breaker.failed(epoch)

    assert state(breaker) is State.CLOSED
    assert breaker.opened == 1


def test_a_call_that_waited_learns_that_the_breaker_opened(breaker: Breaker) -> None:
    waiting = breaker.admit()
    assert breaker.is_good(waiting)
    fail(breaker)

    assert not breaker.is_good(waiting)


def test_a_client_that_leaves_says_nothing_about_the_service(breaker: Breaker) -> None:
    fail(breaker, 4)
    for _ in range(100):
        breaker.abandoned(breaker.admit())
    assert state(breaker) is State.CLOSED

    fail(breaker, 1)

    assert state(breaker) is State.OPEN, "nor does it make good what failed before"


@pytest.mark.parametrize("status", [200, 304, 400, 401, 404, 409, 429, 500, 501])
def test_an_answer_is_no_failure(status: int) -> None:
    assert not is_failure(status, has_retry_after=False)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_to_be_away_is_a_failure_and_to_shed_is_not(status: int) -> None:
    assert is_failure(status, has_retry_after=False)
    assert not is_failure(status, has_retry_after=True)
