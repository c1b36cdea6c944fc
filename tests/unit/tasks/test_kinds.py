"""The kinds of work, as the sources name them."""

import asyncio

import pytest

from libs.common.settings import SharedSettings
from services.tasks.domain.kinds import KINDS
from services.tasks.domain.lanes import READY, SLOTS
from services.tasks.models import Lane, State
from services.tasks.settings import TasksSettings


def test_the_work_of_the_sources_is_registered_with_its_lane_and_retries() -> None:
    """S1-17, S1-18a, S1-19a, S1-21a; codes and exports are issue 4."""
    assert {kind.name: (kind.lane, kind.retries) for kind in KINDS.values()} == {
        "classify_and_summarize_grievance": (Lane.LLM, 3),
        "process_file": (Lane.DEFAULT, 2),
        "send_otp": (Lane.NOTIFICATIONS, 4),
        "export_person": (Lane.DEFAULT, 3),
    }
    reading = KINDS["classify_and_summarize_grievance"]
    assert [reading.backoff(retry) for retry in range(3)] == [60, 120, 240]


def test_lanes_have_the_slots_of_the_sources() -> None:
    """S1-18, S1-19, S1-20, C32."""
    assert SLOTS == {Lane.LLM: 6, Lane.DEFAULT: 4, Lane.NOTIFICATIONS: 2}
    assert len({ready.topic for ready in READY.values()}) == 3


def test_limits_are_those_of_the_sources() -> None:
    """S1-15."""
    settings = TasksSettings(shared=SharedSettings())
    assert (settings.soft_limit, settings.hard_limit) == (240, 300)
    assert settings.lease_seconds < settings.soft_limit


def test_three_states_are_final() -> None:
    """S1-24."""
    assert {state for state in State if state.is_final} == {"SUCCESS", "FAILURE", "REVOKED"}


@pytest.mark.parametrize(
    ("given", "found"),
    [("llm", ("llm",)), ("llm, default", ("llm", "default")), ("", ())],
)
def test_lanes_are_named_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, given: str, found: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TASKS_LANES", given)
    assert TasksSettings(shared=SharedSettings()).lanes == found


def test_work_is_a_coroutine() -> None:
    assert all(asyncio.iscoroutinefunction(kind.work) for kind in KINDS.values())
