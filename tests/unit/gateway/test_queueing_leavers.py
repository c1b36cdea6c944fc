"""Callers who leave while they wait: no hole, no lost slot (issue 3; reliability row 36)."""

import asyncio
import random

import pytest

from services.gateway.domain.queueing import PATIENCE_SECONDS, Overloaded, Priority, Slots
from tests.unit.gateway.callers import Caller, callers, served, slots
from tests.unit.gateway.virtual_time import in_virtual_time, now, turns

WEBHOOK, FILING, DEFAULT, LIST, EXPORT = Priority


@in_virtual_time
async def test_who_leaves_the_queue_leaves_no_hole() -> None:
    made = slots(queue=3)
    come = await callers(made, FILING, FILING, FILING)
    come[0].task.cancel()
    come[1].task.cancel()
    await turns()

    assert made.waiting == 1
    more = await callers(made, FILING, FILING)
    assert await served(made, [come[2], *more]) == [0, 1, 2]


@pytest.mark.parametrize("leaves_first", [True, False])
@in_virtual_time
async def test_a_slot_for_somebody_who_leaves_in_the_same_moment_is_not_lost(
    leaves_first: bool,
) -> None:
    made = slots()
    leaver, heir = await callers(made, DEFAULT, DEFAULT)
    if leaves_first:
        leaver.task.cancel()
        made.release()
    else:
        made.release()
        leaver.task.cancel()
    await turns()

    assert heir.has_slot
    made.release()
    assert (made.in_flight, made.waiting) == (0, 0)


@pytest.mark.parametrize("patience_first", [True, False])
@in_virtual_time
async def test_a_slot_for_somebody_whose_patience_ends_in_the_same_moment_is_not_lost(
    patience_first: bool,
) -> None:
    made = slots()
    later = asyncio.get_running_loop().call_later
    if not patience_first:
        later(PATIENCE_SECONDS, made.release)
    waiting = Caller(made)
    await turns()
    if patience_first:
        later(PATIENCE_SECONDS, made.release)
    await asyncio.wait([waiting.task])

    assert waiting.has_slot != patience_first
    assert made.in_flight == waiting.has_slot
    assert made.waiting == 0


@in_virtual_time
async def test_the_last_one_left_with_the_slot_gives_it_back() -> None:
    made = slots()
    [leaver] = await callers(made, DEFAULT)
    made.release()
    leaver.task.cancel()
    await turns()

    assert made.in_flight == 0
    assert made.try_acquire(DEFAULT)


@pytest.mark.parametrize("seed", range(20))
@in_virtual_time
async def test_whatever_happens_no_slot_is_lost_and_none_is_made(seed: int) -> None:
    """Calls come, leave at any moment and end; the counters are what a slow count says."""
    chance = random.Random(seed)  # noqa: S311
    cap, queue = chance.randint(1, 9), chance.randint(0, 9)
    made = Slots(cap, queue=queue, clock=now)
    inside = 0

    async def call(priority: Priority) -> None:
        nonlocal inside
        await made.acquire(priority, now() + 2 * chance.random())
        inside += 1
        assert inside <= cap
        try:
            await asyncio.sleep(chance.choice([0, 0.01, 0.3]) * chance.random())
        finally:
            inside -= 1
            made.release()

    tasks: list[asyncio.Task[None]] = []
    for _ in range(600):
        tasks.append(asyncio.create_task(call(chance.choice(list(Priority)))))
        if chance.random() < 0.4:
            chance.choice(tasks[-12:]).cancel()
        await asyncio.sleep(chance.choice([0, 0, 0.02, 0.2]) * chance.random())
        assert made.waiting <= queue
        assert inside <= made.in_flight <= cap
        for most, line in zip(made._caps, made._lines, strict=True):
            is_wanted = any(not waiter.turn.done() for waiter in line.waiters)
            assert made.in_flight >= most or not is_wanted, "a slot is free and somebody waits"
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(result) for result in results} <= {
        type(None),
        Overloaded,
        asyncio.CancelledError,
    }
    assert (made.in_flight, made.waiting, inside) == (0, 0, 0)
    assert all(made.try_acquire(WEBHOOK) for _ in range(cap))
