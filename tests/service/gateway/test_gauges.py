"""What the gateway shows Prometheus of itself and the services behind it, while it happens."""

import asyncio

import pytest
from prometheus_client import REGISTRY, generate_latest
from starlette.types import Receive, Send

from libs.common.clock import monotonic
from libs.common.settings import SERVICES
from libs.common.testing.stage import until
from services.gateway.domain.breaking import FAILURES_IN_A_ROW, FIRST_PAUSE_SECONDS, Breaker
from services.gateway.domain.queueing import Overloaded, Priority
from services.gateway.proxy.gauges import shown
from services.gateway.proxy.upstream import Upstream
from tests.service.gateway.conftest import (
    NOWHERE,
    Asked,
    Door,
    OpenDoor,
    Upstream as PlayedService,
    agree,
)


def shows(name: str, upstream: str = "grievance", **more: str) -> float | None:
    return REGISTRY.get_sample_value(f"redress_gateway_{name}", {"upstream": upstream, **more})


def calls(kind: str) -> float | None:
    return shows("calls", kind=kind)


async def test_a_call_is_shown_while_it_lasts(door: Door, upstream: PlayedService) -> None:
    is_over = asyncio.Event()

    async def play(asked: Asked, receive: Receive, send: Send) -> None:
        await is_over.wait()
        await agree(asked, receive, send)

    upstream.play = play
    async with door.client() as client:
        asking = asyncio.create_task(client.get("/things"))
        await until(lambda: upstream.asked)
        assert (calls("short"), calls("held")) == (1, 0)
        is_over.set()
        assert (await asking).status_code == 200

    await until(lambda: calls("short") == 0)
    assert (shows("shed_total"), shows("breaker_open"), shows("breaker_opened_total")) == (0, 0, 0)


async def test_connections_of_clients_are_shown_while_they_last(door: Door) -> None:
    def connections() -> float | None:
        return REGISTRY.get_sample_value("redress_gateway_connections")

    assert connections() == 0
    async with door.socket(), door.socket():
        await until(lambda: connections() == 2)
    await until(lambda: connections() == 0)
    assert connections() == 0


async def test_a_service_that_is_away_is_shown_to_be_left_alone(open_door: OpenDoor) -> None:
    door = await open_door(at={"grievance": NOWHERE})
    async with door.client() as client:
        for _ in range(FAILURES_IN_A_ROW):
            assert (await client.post("/things", json={})).status_code == 503

    assert (shows("breaker_open"), shows("breaker_opened_total")) == (1, 1)
    assert shows("breaker_open", "users") == 0


async def test_who_waits_and_who_is_shed_is_shown() -> None:
    upstream = Upstream("grievance", NOWHERE, calls=1, held=1)
    until_later = monotonic() + 5
    with shown([upstream]):
        first = await upstream.enter(Priority.DEFAULT, until_later)
        held = await upstream.enter(None, until_later)
        waiting = asyncio.create_task(upstream.enter(Priority.DEFAULT, until_later))
        await until(lambda: shows("waiting") == 1)
        with pytest.raises(Overloaded):
            await upstream.enter(None, until_later)
        with pytest.raises(Overloaded):
            await upstream.enter(Priority.DEFAULT, monotonic())
        assert (calls("short"), calls("held"), shows("shed_total")) == (1, 1, 2)

        upstream.leave(first)
        upstream.leave(await waiting)
        upstream.leave(held)
        assert (calls("short"), calls("held"), shows("waiting")) == (0, 0, 0)
    assert shows("waiting") is None


def test_half_open_is_shown_between_open_and_closed() -> None:
    now = 0.0
    upstream = Upstream("grievance", NOWHERE, calls=1, held=1)
    upstream.breaker = Breaker("grievance", clock=lambda: now)
    with shown([upstream]):
        for _ in range(FAILURES_IN_A_ROW):
            upstream.breaker.failed(upstream.breaker.admit())
        assert shows("breaker_open") == 1
        now += FIRST_PAUSE_SECONDS
        assert shows("breaker_open") == 0.5
        upstream.breaker.succeeded(upstream.breaker.admit())
        assert shows("breaker_open") == 0


async def test_two_gateways_of_one_process_are_both_shown(open_door: OpenDoor) -> None:
    def shown_names() -> list[str]:
        found = [
            sample.labels["upstream"]
            for family in REGISTRY.collect()
            for sample in family.samples
            if sample.name == "redress_gateway_waiting"
        ]
        return sorted(found)

    assert shown_names() == []
    await open_door()
    assert shown_names() == sorted(SERVICES)
    await open_door()
    assert shown_names() == sorted([*SERVICES, *SERVICES])
    assert b'redress_gateway_shed_total{upstream="chat"} 0.0' in generate_latest()
