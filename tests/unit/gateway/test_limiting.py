"""S4-05a, S3-02c, S3-06; reliability rows 15 and (security) 24: what is admitted, and what is not.

Over a real Redis: tests/contract/test_counters.py.
"""

import asyncio
from collections.abc import Sequence

import pytest

from libs.common.cache import Lease, LocalCounters, Question
from libs.common.clock import utc_now
from libs.common.testing.stage import until
from services.gateway.domain import limiting
from services.gateway.domain.allowances import Allowance, Charge
from services.gateway.domain.limiting import Limiter
from services.gateway.domain.verdicts import Verdict

TEN = Allowance("ten", 10)
HUNDRED = Allowance("hundred", 100)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limiting, "monotonic", clock)
    return clock


class Ledger:
    """Counters of all replicas, kept here; `is_away` as the test says."""

    def __init__(self, clock: Clock) -> None:
        self.is_away = False
        self.replicas = 1
        self.asked: list[Question] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self._clock = clock
        self._used: dict[str, tuple[float, int]] = {}

    async def lease(self, questions: Sequence[Question]) -> list[Lease] | None:
        self.asked += questions
        await self.answers.wait()
        return None if self.is_away else [self._lease(each) for each in questions]

    def _lease(self, asked: Question) -> Lease:
        until, used = self._used.get(asked.key, (0.0, 0))
        if until <= self._clock():
            until, used = self._clock() + (asked.rest or asked.seconds), 0
        used += asked.owed
        granted = max(0, min(asked.want, asked.limit - used))
        self._used[asked.key] = (until, used + granted)
        return Lease(granted, max(0, asked.limit - used - granted), until - self._clock())

    async def start(self) -> None:
        self.is_away = False

    async def close(self) -> None:
        self.is_away = True


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(clock)


def taken(limiter: Limiter, allowance: Allowance, key: str = "a", cost: int = 1) -> Verdict:
    verdict = limiter.take(allowance, key, cost)
    assert verdict is not None
    return verdict


async def ask(limiter: Limiter, allowance: Allowance, key: str, cost: int = 1) -> Verdict:
    return await limiter.ask_all([Charge(allowance, key, cost)])


async def spent(limiter: Limiter, allowance: Allowance, count: int) -> int:
    """How many of so many requests, one after the other, are admitted."""
    admitted = 0
    for _ in range(count):
        verdict = limiter.take(allowance, "a") or await ask(limiter, allowance, "a")
        admitted += verdict.is_allowed
    return admitted


class TestAProcessOnItsOwn:
    @pytest.fixture
    def limiter(self, clock: Clock) -> Limiter:
        return Limiter(LocalCounters())

    def test_admits_the_limit_of_ten_times_as_many(self, limiter: Limiter) -> None:
        verdicts = [taken(limiter, HUNDRED) for _ in range(1000)]

        assert [each.is_allowed for each in verdicts] == [True] * 100 + [False] * 900
        assert [each.remaining for each in verdicts] == [*range(99, -1, -1)] + [0] * 900

    def test_counts_each_key_and_each_allowance_by_itself(self, limiter: Limiter) -> None:
        for _ in range(11):
            taken(limiter, TEN, "a")

        assert not taken(limiter, TEN, "a").is_allowed
        assert taken(limiter, TEN, "b").is_allowed
        assert taken(limiter, HUNDRED, "a").is_allowed

    def test_a_window_begins_with_the_first_request_and_ends_a_minute_later(
        self, limiter: Limiter, clock: Clock
    ) -> None:
        clock.now += 17.25
        assert taken(limiter, TEN, cost=10).reset_seconds == 60
        clock.now += 59.5
        assert taken(limiter, TEN).reset_seconds == 1
        assert not taken(limiter, TEN).is_allowed
        clock.now += 0.5
        assert taken(limiter, TEN, cost=10).is_allowed
        assert not taken(limiter, TEN).is_allowed

    def test_what_is_refused_costs_nothing(self, limiter: Limiter) -> None:
        taken(limiter, TEN, cost=7)

        assert [taken(limiter, TEN, cost=4).remaining for _ in range(3)] == [3, 3, 3]
        assert taken(limiter, TEN, cost=3).is_allowed

    def test_more_than_the_limit_at_once_is_never_admitted(
        self, limiter: Limiter, clock: Clock
    ) -> None:
        for _ in range(2):
            refused = taken(limiter, TEN, cost=11)
            assert (refused.is_allowed, refused.remaining) == (False, 10)
            assert taken(limiter, TEN, cost=1).remaining == 9
            clock.now += 60

    def test_all_pay_or_nobody_does(self, limiter: Limiter) -> None:
        charges = [Charge(HUNDRED, "address"), Charge(TEN, "person", 4)]

        found = [limiter.take_all(charges) for _ in range(5)]

        assert [each and (each.is_allowed, each.name, each.remaining) for each in found] == [
            (True, "ten", 6), (True, "ten", 2), *[(False, "ten", 2)] * 3
        ]  # fmt: skip
        assert taken(limiter, HUNDRED, "address").remaining == 97

    def test_the_tightest_verdict_is_the_one_that_is_told(self, limiter: Limiter) -> None:
        taken(limiter, HUNDRED, "address", 97)

        verdict = limiter.take_all([Charge(TEN, "person"), Charge(HUNDRED, "address")])

        assert verdict
        assert (verdict.name, verdict.remaining) == ("hundred", 2)

    def test_memory_has_an_end_and_the_oldest_windows_go_first(
        self, limiter: Limiter, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limiting, "MAX_WINDOWS", 3)
        for key in "abc":
            taken(limiter, TEN, key, 10)
        clock.now += 60
        taken(limiter, TEN, "a", 10)
        taken(limiter, TEN, "d", 10)

        assert [key for _, key in limiter._windows] == ["c", "a", "d"]
        assert not taken(limiter, TEN, "a").is_allowed

    def test_a_window_forgotten_between_two_payers_is_no_failure(
        self, limiter: Limiter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limiting, "MAX_WINDOWS", 1)
        charges = [Charge(TEN, "a"), Charge(TEN, "b", 6), Charge(TEN, "b", 6)]

        verdict = limiter.take_all(charges)

        assert verdict
        assert not verdict.is_allowed


class TestReplicas:
    async def test_lease_a_twentieth_and_ask_no_more_often(self, ledger: Ledger) -> None:
        limiter = Limiter(ledger)

        assert await spent(limiter, HUNDRED, 1000) == 100
        assert [question.want for question in ledger.asked] == [5] * 20

    async def test_admit_the_limit_together(self, ledger: Ledger) -> None:
        replicas = [Limiter(ledger) for _ in range(7)]

        admitted = 0
        for _ in range(100):
            for limiter in replicas:
                admitted += await spent(limiter, HUNDRED, 1)

        assert admitted == 100

    async def test_a_lease_ends_with_its_window(self, ledger: Ledger, clock: Clock) -> None:
        one, other = Limiter(ledger), Limiter(ledger)
        await ask(one, HUNDRED, "a")
        clock.now += 60
        await ask(other, HUNDRED, "a", 98)

        assert await spent(one, HUNDRED, 10) == 2

    async def test_a_small_limit_is_exact_to_the_last(self, ledger: Ledger) -> None:
        one, other = Limiter(ledger), Limiter(ledger)

        assert await spent(one, TEN, 9) == 9
        assert await spent(other, TEN, 9) == 1

    async def test_parallel_requests_share_one_question(self, ledger: Ledger) -> None:
        """No herd: S4-20b."""
        limiter = Limiter(ledger)
        ledger.answers.clear()
        asking = [asyncio.create_task(ask(limiter, HUNDRED, "a")) for _ in range(60)]
        asking += [asyncio.create_task(ask(limiter, TEN, "b")) for _ in range(60)]
        await asyncio.sleep(0)
        ledger.answers.set()
        verdicts = await asyncio.gather(*asking)

        assert sum(each.is_allowed for each in verdicts[:60]) == 60
        assert sum(each.is_allowed for each in verdicts[60:]) == 10
        assert [(each.key, each.want) for each in ledger.asked] == [
            ("limit:hundred:a", 60),
            ("limit:ten:b", 60),
        ]

    async def test_who_leaves_does_not_take_the_others_answer_along(self, ledger: Ledger) -> None:
        limiter = Limiter(ledger)
        ledger.answers.clear()
        first = asyncio.create_task(ask(limiter, HUNDRED, "a"))
        second = asyncio.create_task(ask(limiter, HUNDRED, "a"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        ledger.answers.set()

        assert (await second).is_allowed
        assert len(ledger.asked) == 1

    async def test_a_refusal_is_known_without_asking_again(self, ledger: Ledger) -> None:
        limiter = Limiter(ledger)
        await spent(limiter, TEN, 11)
        asked = len(ledger.asked)

        assert not taken(limiter, TEN).is_allowed
        assert len(ledger.asked) == asked

    async def test_the_units_that_are_left_are_not_enough_for_a_dear_request(
        self, ledger: Ledger
    ) -> None:
        limiter = Limiter(ledger)
        await ask(limiter, TEN, "a", 6)

        assert not (await ask(limiter, TEN, "a", 5)).is_allowed
        assert (await ask(limiter, TEN, "a", 4)).is_allowed

    async def test_all_pay_or_nobody_does(self, ledger: Ledger) -> None:
        limiter = Limiter(ledger)
        charges = [Charge(HUNDRED, "address"), Charge(TEN, "person")]

        found = [limiter.take_all(charges) or await limiter.ask_all(charges) for _ in range(30)]

        assert sum(each.is_allowed for each in found) == 10
        assert (await ask(limiter, HUNDRED, "address")).remaining == 89
        assert [each.key for each in ledger.asked].count("limit:hundred:address") == 3


class TestWithoutTheOthers:
    """Reliability row 15: limits go on when Redis is away, and overshoot less than twice."""

    async def test_a_single_replica_serves_its_whole_limit_and_no_more(
        self, ledger: Ledger
    ) -> None:
        limiter = Limiter(ledger)
        before = await spent(limiter, HUNDRED, 42)
        ledger.is_away = True

        assert before + await spent(limiter, HUNDRED, 1000) == 100
        assert limiter._asking is None

    @pytest.mark.parametrize("replicas", [2, 3, 8])
    @pytest.mark.parametrize("before", [0, 42, 100])
    async def test_together_they_stay_under_twice(
        self, ledger: Ledger, replicas: int, before: int
    ) -> None:
        ledger.replicas = replicas
        limiters = [Limiter(ledger) for _ in range(replicas)]
        admitted = await spent(limiters[0], HUNDRED, before)
        ledger.is_away = True

        admitted += sum([await spent(limiter, HUNDRED, 1000) for limiter in limiters])

        assert 96 <= admitted < 200

    async def test_each_serves_its_share(self, ledger: Ledger) -> None:
        ledger.replicas, ledger.is_away = 4, True
        limiters = [Limiter(ledger) for _ in range(4)]

        assert [await spent(limiter, HUNDRED, 1000) for limiter in limiters] == [25] * 4

    async def test_what_was_given_out_meanwhile_is_told(self, ledger: Ledger) -> None:
        ledger.replicas, ledger.is_away = 4, True
        one, other = Limiter(ledger), Limiter(ledger)
        assert await spent(one, HUNDRED, 1000) == 25
        ledger.is_away = False

        admitted = await spent(one, HUNDRED, 1) + await spent(other, HUNDRED, 1000)
        admitted += await spent(one, HUNDRED, 1000)

        assert 25 + admitted == 100

    async def test_what_was_given_out_is_told_with_the_rest_of_its_window(
        self, ledger: Ledger, clock: Clock
    ) -> None:
        ledger.is_away = True
        limiter = Limiter(ledger)
        taken(limiter, HUNDRED)
        ledger.is_away = False
        clock.now += 50

        assert (await ask(limiter, HUNDRED, "a", 50)).reset_seconds == 10

    async def test_a_window_ends_when_the_others_say_it_does(
        self, ledger: Ledger, clock: Clock
    ) -> None:
        one, other = Limiter(ledger), Limiter(ledger)
        await ask(other, HUNDRED, "a")
        clock.now += 30
        ledger.is_away = True
        assert taken(one, HUNDRED).reset_seconds == 60
        ledger.is_away = False
        clock.now += 10

        assert (await ask(one, HUNDRED, "a", 50)).reset_seconds == 20

    async def test_what_the_others_had_taken_is_not_given_out(self, ledger: Ledger) -> None:
        ledger.replicas = 2
        one, other = Limiter(ledger), Limiter(ledger)
        await ask(other, HUNDRED, "a", 92)
        admitted = await spent(one, HUNDRED, 1)
        ledger.is_away = True

        assert admitted + await spent(one, HUNDRED, 1000) == 8

    async def test_what_is_refused_costs_nothing(self, ledger: Ledger) -> None:
        ledger.replicas, ledger.is_away = 4, True
        one, other = Limiter(ledger), Limiter(ledger)
        assert not taken(one, HUNDRED, cost=30).is_allowed
        ledger.is_away = False
        await ask(one, HUNDRED, "a", 5)

        assert await spent(other, HUNDRED, 1000) == 95

    async def test_a_share_is_told_as_what_remains(self, ledger: Ledger) -> None:
        ledger.replicas, ledger.is_away = 4, True
        limiter = Limiter(ledger)

        assert [taken(limiter, HUNDRED).remaining for _ in range(26)] == [*range(24, -1, -1), 0]

    async def test_nobody_waits_longer_than_the_deadline(self, ledger: Ledger) -> None:
        """100 ms, and then it is counted here, whatever becomes of the question."""
        ledger.answers.clear()
        limiter = Limiter(ledger)
        loop = asyncio.get_running_loop()
        started = loop.time()
        verdict = await ask(limiter, HUNDRED, "a")

        assert verdict.is_allowed
        assert 0.09 < loop.time() - started < 0.5
        ledger.answers.set()

    async def test_an_answer_that_comes_late_pays_for_who_did_not_wait(
        self, ledger: Ledger
    ) -> None:
        ledger.answers.clear()
        limiter = Limiter(ledger)
        impatient = await asyncio.gather(*(ask(limiter, HUNDRED, "a") for _ in range(60)))
        ledger.answers.set()
        await until(lambda: limiter._asking is None)

        admitted = sum(each.is_allowed for each in impatient) + await spent(limiter, HUNDRED, 1000)

        assert admitted == 100

    async def test_the_end_of_a_window_is_said_the_same_all_along(
        self, ledger: Ledger, clock: Clock
    ) -> None:
        limiter = Limiter(ledger)
        said = set()
        for _ in range(40):
            verdict = limiter.take(HUNDRED, "a") or await ask(limiter, HUNDRED, "a")
            said.add(verdict.reset_at)
            clock.now += 1.4

        assert len(said) == 1

    async def test_the_end_is_said_in_seconds_since_1970(self, ledger: Ledger) -> None:
        ends = utc_now().timestamp() + 60

        assert ends <= (await ask(Limiter(ledger), TEN, "a")).reset_at < ends + 10
