"""The breaker beside a slow one that keeps everything (issue 3; reliability row 37)."""

import random
from collections.abc import Callable

import pytest

from services.gateway.domain.breaking import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    PROBE_SECONDS,
    Breaker,
    State,
)
from services.gateway.domain.counting import Window


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class SlowBreaker:
    """The same rules, from a full history and with words instead of numbers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.history: list[tuple[float, bool]] = []
        self.state = "closed"
        self.passes: dict[int, str] = {}
        self.pause = self.until = 0.0
        self.probe: tuple[int, float] | None = None

    def admit(self, epoch: int) -> bool:
        """`epoch` names the pass that the quick one gave, if any."""
        now = self.clock()
        if self.state == "open" and now >= self.until:
            self.state = "half-open"
        if self.state == "open" or (self.probe and now < self.probe[1] + PROBE_SECONDS):
            return False
        if self.state == "closed":
            self.passes[epoch] = "call"
        else:
            self.probe = epoch, now
        return True

    def report(self, epoch: int, result: str) -> None:
        is_probe = self.probe is not None and self.probe[0] == epoch
        if is_probe:
            self.probe = None
            if result == "good":
                self.state, self.history, self.passes = "closed", [], {}
            elif result == "bad":
                self.open(min(self.pause * 2, LONGEST_PAUSE_SECONDS))
        elif self.state == "closed" and epoch in self.passes and result != "left":
            self.history.append((self.clock(), result == "good"))
            if result == "bad" and (self.in_a_row() >= 5 or self.is_mostly_bad()):
                self.open(FIRST_PAUSE_SECONDS)

    def open(self, pause: float) -> None:
        self.state, self.pause, self.until, self.passes = "open", pause, self.clock() + pause, {}

    def in_a_row(self) -> int:
        results = [good for _, good in reversed(self.history)]
        return results.index(True) if True in results else len(results)

    def is_mostly_bad(self) -> bool:
        lately = [good for at, good in self.history if int(at) > int(self.clock()) - 10]
        return len(lately) >= 20 and lately.count(False) * 2 >= len(lately)


@pytest.mark.parametrize("seed", range(40))
def test_any_history_ends_where_the_slow_model_does(seed: int) -> None:
    clock = Clock()
    chance = random.Random(seed)  # noqa: S311
    breaker, model = Breaker("x", clock=clock, chance=lambda: 0.0), SlowBreaker(clock)
    health, tempo = 0.9, 1.0
    out: list[int] = []
    for step in range(2000):
        if step % 200 == 0:
            health = chance.choice([0.1, 0.4, 0.6, 0.95])
            tempo = chance.choice([0.03, 0.2, 1.0])
        clock.now += tempo * chance.choice([0.0, 0.0, 0.05, 0.3, 2.0, 6.0 * chance.random()])
        if chance.random() < 0.5 or not out:
            epoch = breaker.admit()
            assert model.admit(epoch) == bool(epoch)
            out += [epoch] if epoch else []
        else:
            epoch = out.pop(chance.randrange(len(out)))
            result = chance.choices(
                ["good", "bad", "left"], [health * 0.9, (1 - health) * 0.9, 0.1]
            )[0]
            report = {"good": breaker.succeeded, "bad": breaker.failed, "left": breaker.abandoned}
            report[result](epoch)
            model.report(epoch, result)
        assert (breaker.state is State.CLOSED) == (model.state == "closed")
    assert breaker.opened > 3


@pytest.mark.parametrize("seed", range(10))
def test_a_window_counts_what_a_list_of_moments_would(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    window, moments, now = Window(10.0, steps=10), [], chance.choice([0.0, 12345.6])
    for _ in range(500):
        now += chance.choice([0.0, 0.01, 0.4, 1.0, 9.0, 25.0]) * chance.random()
        if chance.random() < 0.7:
            window.add(now)
            moments.append(now)

        assert window.total(now) == sum(int(at) > int(now) - 10 for at in moments)
