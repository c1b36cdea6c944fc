"""S3-11a: lines of one kind, many a second, and what they have in common with all others."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from libs.common import logging
from libs.common.logging import FLUSH_LINES, FLUSH_SECONDS, AccessLog, start_logging

FIELDS = '"request_id":"r-1","status":200,"duration_ms":1.25'
Logged = Callable[[], list[dict[str, Any]]]


class Loop:
    """Keeps what it was asked to do later."""

    def __init__(self) -> None:
        self.later: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, work: Callable[[], None]) -> None:
        self.later.append((seconds, work))

    def run(self) -> None:
        """Let the time pass."""
        due, self.later = self.later, []
        for _, work in due:
            work()


class Clock:
    """The time of day, set by hand."""

    def __init__(self) -> None:
        self.nanos = 0

    def __call__(self) -> int:
        return self.nanos


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    start_logging(level="info", form="json")


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time_ns", clock)
    return clock


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Logged:
    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return read


def test_a_line_holds_its_fields_and_what_every_line_holds(loop: Loop, logged: Logged) -> None:
    log = AccessLog("request.answered", service="gateway")
    before = datetime.now(UTC).replace(microsecond=0)

    log.line(FIELDS)
    log.flush()

    [line] = logged()
    at = datetime.fromisoformat(line.pop("@timestamp"))
    assert before <= at <= datetime.now(UTC)
    assert line == {
        "level": "info",
        "event": "request.answered",
        "service": "gateway",
        "request_id": "r-1",
        "status": 200,
        "duration_ms": 1.25,
    }


def test_what_is_said_always_is_escaped(loop: Loop, logged: Logged) -> None:
    log = AccessLog('a "quoted"\nevent', service="गुनासो")

    log.line(FIELDS)
    log.flush()

    [line] = logged()
    assert (line["event"], line["service"]) == ('a "quoted"\nevent', "गुनासो")


def test_the_time_is_utc_in_milliseconds_and_right_across_a_second(
    loop: Loop, clock: Clock, logged: Logged
) -> None:
    last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    nanos = int(last.timestamp()) * 1_000_000_000
    log = AccessLog("request.answered")

    for millis in (0, 7, 998.9995, 999.9999, 1000, 1000.4, 1007, 61_000, 7):
        clock.nanos = nanos + int(millis * 1_000_000)
        log.line(FIELDS)
    log.flush()

    assert [line["@timestamp"] for line in logged()] == [
        "2026-12-31T23:59:59.000Z",
        "2026-12-31T23:59:59.007Z",
        "2026-12-31T23:59:59.998Z",
        "2026-12-31T23:59:59.999Z",
        "2027-01-01T00:00:00.000Z",
        "2027-01-01T00:00:00.000Z",
        "2027-01-01T00:00:00.007Z",
        "2027-01-01T00:01:00.000Z",
        "2026-12-31T23:59:59.007Z",
    ]


def test_lines_wait_for_the_time_and_are_written_together(loop: Loop, logged: Logged) -> None:
    log = AccessLog("request.answered")
    for number in range(3):
        log.line(f'"count":{number}')

    assert logged() == []
    assert [seconds for seconds, _ in loop.later] == [FLUSH_SECONDS]

    loop.run()
    assert [line["count"] for line in logged()] == [0, 1, 2]

    log.line('"count":3')
    loop.run()
    assert [line["count"] for line in logged()] == [3]


def test_many_lines_do_not_wait(loop: Loop, logged: Logged) -> None:
    log = AccessLog("request.answered")

    for number in range(FLUSH_LINES - 1):
        log.line(f'"count":{number}')
    assert logged() == []

    log.line(f'"count":{FLUSH_LINES - 1}')
    assert [line["count"] for line in logged()] == [*range(FLUSH_LINES)]


def test_each_line_is_written_once_and_none_is_forgotten(loop: Loop, logged: Logged) -> None:
    log = AccessLog("request.answered")

    for number in range(2 * FLUSH_LINES + 50):
        log.line(f'"count":{number}')
    loop.run()
    log.flush()

    assert [line["count"] for line in logged()] == [*range(2 * FLUSH_LINES + 50)]


def test_nothing_is_written_when_only_warnings_are_wanted(loop: Loop, logged: Logged) -> None:
    start_logging(level="warning", form="json")
    log = AccessLog("request.answered")

    log.line(FIELDS)
    log.flush()

    assert logged() == []
    assert loop.later == []


def test_for_people_the_logger_says_how_a_line_looks(
    loop: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(level="info", form="console")
    captured: AbstractContextManager[Any] = capture_logs()
    log = AccessLog("request.answered", service="gateway")

    with captured as seen:
        log.line(FIELDS)
        log.flush()

    [line] = seen
    assert line["event"] == "request.answered"
    assert (line["service"], line["request_id"], line["status"]) == ("gateway", "r-1", 200)
    assert capsys.readouterr().out == ""


def test_for_people_a_line_is_no_json(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(level="info", form="console")
    log = AccessLog("request.answered", service="gateway")

    log.line(FIELDS)
    log.flush()

    [line] = capsys.readouterr().out.splitlines()
    assert not line.startswith("{")
    assert "request.answered" in line
    assert "request_id=r-1" in line


async def test_a_running_loop_flushes_by_itself(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    monkeypatch.setattr(logging, "FLUSH_SECONDS", 0.0)
    log = AccessLog("request.answered")
    flushed = asyncio.Event()

    log.line(FIELDS)
    asyncio.get_running_loop().call_later(0.0, flushed.set)
    await flushed.wait()

    assert len(logged()) == 1
