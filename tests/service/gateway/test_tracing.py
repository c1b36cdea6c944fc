"""S3-12a: where traces are wanted, a request is one trace from the door on."""

import json

import pytest

from libs.common.logging import start_logging
from libs.common.telemetry import start_tracing
from tests.service.gateway.conftest import OpenDoor, Upstream

PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture(autouse=True)
def _tracing() -> None:
    start_tracing(ratio=0.0, otlp_endpoint=None)


def parts(traceparent: str) -> tuple[str, str, str]:
    """The ids of the trace and of the span, and whether it is sampled."""
    version, trace, span, flags = traceparent.split("-")
    assert version == "00"
    return trace, span, flags


async def test_the_door_begins_a_trace_that_its_log_names(
    open_door: OpenDoor, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(level="info", form="json")
    door = await open_door(trace_ratio=1.0)
    async with door.client() as client:
        for _ in range(2):
            assert (await client.get("/things")).status_code == 200
    door.front.front._observer._log.flush()

    passed_on = [parts(asked.headers["traceparent"])[0] for asked in upstream.asked]
    logged = [
        json.loads(line)["trace_id"]
        for line in capsys.readouterr().out.splitlines()
        if "request.answered" in line
    ]
    assert len(set(passed_on)) == 2
    assert logged == passed_on


async def test_a_trace_of_a_client_goes_on_with_a_span_of_the_door(
    open_door: OpenDoor, upstream: Upstream
) -> None:
    door = await open_door(trace_ratio=1.0)
    async with door.client() as client:
        await client.get("/things", headers={"traceparent": PARENT})

    trace, span, flags = parts(upstream.asked[0].headers["traceparent"])
    assert (trace, flags) == ("a" * 32, "01")
    assert span != "b" * 16


async def test_where_nobody_wants_traces_none_begins(
    open_door: OpenDoor, upstream: Upstream
) -> None:
    door = await open_door()
    async with door.client() as client:
        await client.get("/things")
        await client.get("/things", headers={"traceparent": PARENT})

    assert [asked.headers.get("traceparent") for asked in upstream.asked] == [None, PARENT]
