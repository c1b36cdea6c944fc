"""The concurrency cap and its queue (issue 3; reliability rows 18, 36 and 38)."""

import asyncio

import pytest

from services.gateway.domain.queueing import PATIENCE_SECONDS, Held, Overloaded, Priority, Slots
from services.gateway.domain.standing import LATE_SECONDS, STANDING_SECONDS
from tests.unit.gateway.callers import Caller, callers, served, slots
from tests.unit.gateway.virtual_time import in_virtual_time, now, turns

WEBHOOK, FILING, DEFAULT, LIST, EXPORT = Priority


@in_virtual_time
async def test_so_many_at_a_time_and_no_more() -> None:
    made = slots(32)

    assert made.in_flight == 32
    assert not made.try_acquire(WEBHOOK)
    made.release()
    assert made.try_acquire(DEFAULT)


@in_virtual_time
async def test_the_important_go_first_and_equals_in_turn() -> None:
    """Row 36: webhooks and filing before lists before exports."""
    made = slots(queue=9)
    come = await callers(made, EXPORT, LIST, DEFAULT, FILING, WEBHOOK, FILING, DEFAULT, EXPORT)

    assert await served(made, come) == [4, 3, 5, 2, 6, 1, 0, 7]
    assert made.waiting == 0
    assert made.in_flight == 1


@in_virtual_time
async def test_a_slot_given_back_is_not_snatched_from_the_one_who_waited() -> None:
    made = slots()
    [waiting] = await callers(made, EXPORT)
    made.release()

    assert not made.try_acquire(WEBHOOK)
    await turns()
    assert waiting.has_slot


@in_virtual_time
async def test_lists_and_exports_leave_room_for_the_rest() -> None:
    made = slots(16, taken=0)
    assert sum(made.try_acquire(EXPORT) for _ in range(20)) == 14
    [list_] = await callers(made, LIST)

    assert made.try_acquire(DEFAULT)
    assert made.try_acquire(WEBHOOK)
    assert not made.try_acquire(WEBHOOK)
    made.release()
    made.release()
    await turns()
    assert not list_.has_slot, "two are kept free"
    made.release()
    await turns()
    assert list_.has_slot


@in_virtual_time
async def test_a_full_queue_sheds_who_is_least_important_and_came_last() -> None:
    """Row 36: capacity is served, the rest is shed."""
    made = slots(queue=4)
    export, late_export, list_, default = await callers(made, EXPORT, EXPORT, LIST, DEFAULT)

    [webhook] = await callers(made, WEBHOOK)
    assert [late_export.is_shed, export.is_shed] == [True, False]
    [filing, second_filing] = await callers(made, FILING, FILING)
    assert [export.is_shed, list_.is_shed, default.is_shed] == [True, True, False]
    [equal] = await callers(made, DEFAULT)
    assert equal.is_shed, "equals wait their turn"
    [least] = await callers(made, EXPORT)
    assert least.is_shed
    assert made.waiting == 4
    assert made.shed == 5
    assert await served(made, [default, filing, second_filing, webhook]) == [3, 1, 2, 0]


@in_virtual_time
async def test_nobody_waits_longer_than_patience_or_their_own_deadline() -> None:
    """Row 18: what is too much is refused in less than 1.2 s."""
    made = slots()
    patient, hurried, late = Caller(made), Caller(made, until=0.3), Caller(made, until=0.0)
    await turns(1)
    assert late.is_shed

    await asyncio.gather(patient.task, hurried.task)

    assert (patient.is_shed, hurried.is_shed) == (True, True)
    assert patient.ended_at == pytest.approx(PATIENCE_SECONDS)
    assert hurried.ended_at == pytest.approx(0.3)
    assert (made.waiting, made.in_flight, made.shed) == (0, 1, 3)


@in_virtual_time
async def test_who_has_no_time_to_wait_does_not() -> None:
    made = slots()
    with pytest.raises(Overloaded):
        made.acquire(DEFAULT, now()).send(None)

    assert (made.waiting, made.shed) == (0, 1)


@in_virtual_time
async def test_a_free_slot_is_taken_whatever_time_is_left() -> None:
    made = slots(taken=0)
    await made.acquire(DEFAULT, until=-1.0)

    assert made.in_flight == 1


@in_virtual_time
async def test_a_queue_that_stands_serves_the_newest_and_sheds_the_oldest() -> None:
    made = slots(queue=3)
    old = await callers(made, DEFAULT, DEFAULT)
    await asyncio.sleep(LATE_SECONDS + 0.01)
    [list_, third] = await callers(made, LIST, DEFAULT)
    assert (list_.is_shed, third.is_shed) == (True, False)
    await asyncio.sleep(STANDING_SECONDS + 0.01)
    [newcomer] = await callers(made, DEFAULT)

    assert old[0].is_shed, "who came first of those left makes room"
    made.release()
    await turns()
    assert newcomer.has_slot
    [impatient] = await callers(made, DEFAULT)
    began = now()
    await asyncio.wait([impatient.task])
    assert impatient.is_shed
    assert impatient.ended_at - began == pytest.approx(LATE_SECONDS)


async def standing(cap: int) -> Slots:
    """Slots whose line of default priority stands, with nobody in it but who came before."""
    made = slots(cap, queue=99)
    await callers(made, *[DEFAULT] * cap)
    for pause in (LATE_SECONDS + 0.01, STANDING_SECONDS + 0.01):
        await asyncio.sleep(pause)
        made.is_vain(DEFAULT)
    return made


@in_virtual_time
async def test_a_queue_that_stands_refuses_at_once_who_would_wait_in_vain() -> None:
    """Row 36: what is shed costs nobody a place, nor its caller any time."""
    made = await standing(16)
    began = now()
    few = await callers(made, DEFAULT, DEFAULT)
    [shed] = await callers(made, DEFAULT)
    assert (shed.is_shed, shed.ended_at) == (True, began)
    [filing, list_] = await callers(made, FILING, LIST)

    assert not any(caller.task.done() for caller in (*few, filing, list_))
    made.release()
    made.release()
    await turns()
    assert (filing.has_slot, few[1].has_slot, few[0].has_slot) == (True, True, False)
    [heir] = await callers(made, DEFAULT)
    assert not heir.is_shed, "a place in the line is free again"


@in_virtual_time
async def test_a_queue_that_ran_empty_stands_on_while_it_refuses() -> None:
    """All the slots of a service may come back in one moment: that is no end of the overload."""
    made = await standing(8)
    [_, shed] = await callers(made, DEFAULT, DEFAULT)
    assert shed.is_shed
    for _ in range(9):
        made.release()
    assert made.waiting == 0

    [heir, again] = await callers(made, DEFAULT, DEFAULT)
    assert again.is_shed
    made.release()
    await asyncio.sleep(LATE_SECONDS + 0.01)
    come = await callers(made, DEFAULT, DEFAULT)
    assert heir.has_slot
    assert await served(made, come) == [0, 1]


@in_virtual_time
async def test_a_queue_that_is_late_now_and_then_is_in_order() -> None:
    made = slots()
    come = await callers(made, DEFAULT)
    for pause, releases in ((0.25, True), (0.05, False), (0.2, True), (0.25, False)):
        await asyncio.sleep(pause)
        come += await callers(made, DEFAULT)
        if releases:
            made.release()
            await turns()

    made.release()
    await turns()
    assert [caller.has_slot for caller in come] == [True, True, True, False, False]


@in_virtual_time
async def test_a_queue_that_ran_empty_is_a_queue_again() -> None:
    made = slots()
    await callers(made, DEFAULT)
    for pause in (LATE_SECONDS + 0.01, STANDING_SECONDS + 0.01):
        await asyncio.sleep(pause)
        await callers(made, DEFAULT)
    await asyncio.sleep(PATIENCE_SECONDS)
    assert made.waiting == 0

    come = await callers(made, DEFAULT, DEFAULT)

    assert await served(made, come) == [0, 1]


def test_held_places_end_at_once() -> None:
    held = Held(cap=2)
    held.acquire()
    held.acquire()
    with pytest.raises(Overloaded):
        held.acquire()
    held.release()
    held.acquire()

    assert (held.in_flight, held.shed) == (2, 1)


def test_who_is_shed_hears_when_to_come_back_and_not_all_at_once() -> None:
    """Row 36: 503 with Retry-After; row 37: jitter."""
    said = [Overloaded() for _ in range(200)]

    assert {error.headers["Retry-After"] for error in said} == {"1", "2", "3"}
    assert {(error.status, error.code) for error in said} == {(503, "OVERLOADED")}
