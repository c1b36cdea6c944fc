"""S3-11a: whatever a request holds, it is one line of JSON in the log."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY

from libs.common.errors import AppError, Forbidden
from libs.common.principal import Principal, Role
from services.gateway.domain.asking import Asked
from services.gateway.proxy.exchange import Exchange
from services.gateway.proxy.observing import Observer
from services.gateway.proxy.timings import TIMINGS
from tests.unit.gateway.entrances import TABLE

TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def _no_tallies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TIMINGS, "tallies", {})


def exchange(
    principal: Principal | None = None,
    *,
    route: str = "/things/{thing_id}",
    traceparent: bytes = b"",
    refused: AppError | None = None,
) -> Exchange:
    asked = Asked("GET", "203.0.113.5")
    asked.principal, asked.traceparent = principal, traceparent
    asked.entry = TABLE.find("GET", "/things/1").entry
    parts = {
        "asked": asked,
        "refused": refused,
        "started": 0.0,
        "route": route,
        "status": 200,
        "request_id": "r-1234567",
        "upstream_seconds": 0.002,
        "inbound": SimpleNamespace(taken=3),
        "out": SimpleNamespace(sent=5),
    }
    return cast("Exchange", SimpleNamespace(**parts))


async def logged(capsys: pytest.CaptureFixture[str], *seen: Exchange) -> list[dict[str, Any]]:
    observer = Observer()
    for each in seen:
        observer.saw(each)
    observer._log.flush()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "name",
    [
        'a"b', "a\\", "a\nb", "a\r\nb", "गुनासो:१", "\u2028\u2029\x85", '","role":"super_admin',
        "\x00\x1f\x7f", "\ud800", "😀", "x" * 100,
    ],
    ids=ascii,
)  # fmt: skip
async def test_whoever_asks_it_is_one_line(capsys: pytest.CaptureFixture[str], name: str) -> None:
    [line] = await logged(capsys, exchange(Principal(name, Role.CITIZEN)))

    assert (line["principal"], line["role"]) == (name, "citizen")


async def test_a_line_says_what_was_asked_and_how_it_went(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [line] = await logged(capsys, exchange(traceparent=TRACE, refused=Forbidden("no")))

    assert line.pop("@timestamp").endswith("Z")
    assert line.pop("duration_ms") > 0
    assert line == {
        "level": "info",
        "event": "request.answered",
        "service": "gateway",
        "request_id": "r-1234567",
        "method": "GET",
        "route": "/things/{thing_id}",
        "status": 200,
        "bytes_in": 3,
        "bytes_out": 5,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "code": "FORBIDDEN",
    }


async def test_refusals_are_counted_by_reason(capsys: pytest.CaptureFixture[str]) -> None:
    labels = {"route": "/refused-here", "code": "FORBIDDEN"}

    await logged(capsys, *[exchange(route="/refused-here", refused=Forbidden("no"))] * 2)

    assert REGISTRY.get_sample_value("redress_gateway_refusals_total", labels) == 2


async def test_what_was_seen_is_counted_when_it_settles(capsys: pytest.CaptureFixture[str]) -> None:
    labels = {"service": "gateway", "method": "GET", "route": "/settled", "status": "200"}
    observer = Observer()
    observer.saw(exchange(route="/settled"))
    observer.saw(exchange(route="/settled"))
    observer.settle()
    observer.settle()
    observer._log.flush()

    assert REGISTRY.get_sample_value("redress_requests_total", labels) == 2
    [tally] = TIMINGS.tallies.values()
    assert (tally.service, sum(tally.whole.counts), sum(tally.asked.counts)) == ("grievance", 2, 2)
