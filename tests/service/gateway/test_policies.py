"""What the door decides before it asks anybody: how often, from where, for whose pages."""

import asyncio
from functools import partial
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Send

from libs.common.principal import Role
from libs.common.testing.stage import until
from services.gateway.domain.queueing import Slots
from tests.service.gateway.conftest import (
    NOWHERE,
    Asked,
    Door,
    OpenDoor,
    Upstream,
    agree,
    read_all,
    say,
    with_key,
)

PAGE = "https://portal.example"
API_KEY = "rdr_live_0123abcd_" + "A1" * 16


async def statuses(client: httpx2.AsyncClient, count: int, path: str = "/things") -> list[int]:
    return [(await client.get(path)).status_code for _ in range(count)]


async def test_a_guest_asks_ten_times_a_minute_and_is_told_how_often(open_door: OpenDoor) -> None:
    """S4-05a: guest 10; S3-02c; the headers of the draft, and those that were before it."""
    door = await open_door(rate_limits=True)
    async with door.client() as client:
        first = await client.get("/things")
        more = await statuses(client, 10)
        last = await client.get("/things")

    assert first.headers["ratelimit"] == '"default";r=9;t=60'
    assert first.headers["ratelimit-policy"] == '"default";q=10;w=60'
    assert first.headers["x-ratelimit-limit"] == "10"
    assert first.headers["x-ratelimit-remaining"] == "9"
    assert more == [200] * 9 + [429]
    assert (last.status_code, last.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(last.headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    ("role", "limit"), [(Role.CITIZEN, 60), (Role.GRC_MEMBER, 300), (Role.SUPER_ADMIN, 300)]
)
async def test_who_is_better_known_asks_more_often(
    open_door: OpenDoor, role: Role, limit: int
) -> None:
    """S4-05a: user 60, admin 300."""
    door = await open_door(rate_limits=True)
    async with door.client(role) as client:
        answer = await client.get("/things")

    assert answer.headers["x-ratelimit-limit"] == str(limit)


async def test_a_forged_address_is_no_new_caller(open_door: OpenDoor) -> None:
    """Security row 21: X-Forwarded-For is believed from nobody by default."""
    door = await open_door(limits={"default": {"anonymous": 5}}, rate_limits=True)
    async with door.client(None) as client:
        answers = [
            (await client.get("/open", headers={"X-Forwarded-For": f"10.0.0.{n}"})).status_code
            for n in range(8)
        ]

    assert answers == [200] * 5 + [429] * 3


async def test_a_proxy_we_trust_is_believed(open_door: OpenDoor) -> None:
    door = await open_door(
        limits={"default": {"anonymous": 2}}, rate_limits=True, trusted_proxies=("127.0.0.0/8",)
    )
    async with door.client(None) as client:
        for number in range(5):
            forwarded = {"X-Forwarded-For": f"6.6.6.6, 10.0.0.{number}"}
            assert (await client.get("/open", headers=forwarded)).status_code == 200


async def test_an_export_costs_more(open_door: OpenDoor) -> None:
    door = await open_door(rate_limits=True)
    async with door.client() as client:
        assert await statuses(client, 3, "/report") == [200, 200, 429]


async def test_strangers_who_guess_are_counted_by_address(open_door: OpenDoor) -> None:
    door = await open_door(limits={"address": {"anyone": 3}}, rate_limits=True)
    async with door.client(None) as client:
        assert await statuses(client, 5) == [401, 401, 401, 429, 429]


async def test_webhooks_are_not_counted_by_address(open_door: OpenDoor) -> None:
    """Make.com shares addresses among its users."""
    door = await open_door(limits={"address": {"anyone": 2}}, rate_limits=True)
    async with door.client(None) as client:
        answers = [(await client.post("/hook", json={})).status_code for _ in range(6)]

    assert answers == [200] * 6


async def test_pages_of_a_listed_origin_may_ask(open_door: OpenDoor) -> None:
    """S3-02d: exact origins, and what they may read of an answer; a refusal too."""
    door = await open_door(allowed_origins=(PAGE,))
    ask = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}
    async with door.client() as client:
        before = await client.options("/things/1", headers=ask)
        answer = await client.get("/things", headers={"Origin": PAGE})
        refusal = await client.get("/nothing", headers={"Origin": PAGE})
        own = await client.get("/health", headers={"Origin": PAGE})

    assert before.status_code == 204
    assert before.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, PUT"
    assert "authorization" in before.headers["access-control-allow-headers"]
    for each in (before, answer, refusal, own):
        assert each.headers.get_list("access-control-allow-origin") == [PAGE]
    assert "ETag" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", PAGE + ".evil.example"])
async def test_pages_of_others_may_not(open_door: OpenDoor, origin: str) -> None:
    """Security row 37."""
    door = await open_door(allowed_origins=(PAGE,))
    ask = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    async with door.client() as client:
        before = await client.options("/things", headers=ask)
        answer = await client.get("/things", headers={"Origin": origin})

    assert (before.status_code, before.json()["error"]["code"]) == (403, "ORIGIN_NOT_ALLOWED")
    assert "access-control-allow-origin" not in before.headers
    assert "access-control-allow-origin" not in answer.headers


async def test_a_class_of_routes_may_be_for_some_networks_only(open_door: OpenDoor) -> None:
    """S4-20c."""
    door = await open_door(allowed_networks={"staff": ("10.0.0.0/8",), "filing": ("127.0.0.1/32",)})
    async with door.client(Role.GRC_MEMBER) as client:
        shut = await client.put("/things/1", json={})
        filed = await client.post("/filed", json={})
        free = await client.get("/things")

    assert (shut.status_code, shut.json()["error"]["code"]) == (403, "ADDRESS_NOT_ALLOWED")
    assert (filed.status_code, free.status_code) == (200, 200)


async def test_a_key_is_good_from_its_networks_only(door: Door, users: Upstream) -> None:
    """S4-20c, per API key."""
    users.play = with_key(door.token(Role.API_CLIENT), networks=("10.0.0.0/8",))
    async with door.client(None, **{"X-API-Key": API_KEY}) as client:
        answer = await client.get("/things")

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ADDRESS_NOT_ALLOWED")


async def test_nothing_is_said_in_the_open_when_https_is_asked_for(open_door: OpenDoor) -> None:
    """S4-20: only what a trusted proxy got over https is answered; its probes are."""
    far = await open_door(https_only=True)
    near = await open_door(https_only=True, trusted_proxies=("127.0.0.1/32",))
    forwarded = {"X-Forwarded-Proto": "https"}
    async with far.client() as outside, near.client() as inside:
        lied = await outside.get("/things", headers=forwarded)
        plain = await inside.get("/things")
        tls = await inside.get("/things", headers=forwarded)
        probe = await outside.get("/readyz")

    for each in (lied, plain):
        assert (each.status_code, each.json()["error"]["code"]) == (403, "HTTPS_REQUIRED")
    assert tls.status_code == 200
    assert tls.headers["strict-transport-security"]
    assert probe.status_code == 200


async def test_a_service_that_is_away_is_left_alone(open_door: OpenDoor) -> None:
    """Reliability rows 37 and 40: after five failures nobody waits for the sixth."""
    door = await open_door(at={"grievance": NOWHERE})
    async with door.client() as client:
        answers = [await client.post("/things", json={}) for _ in range(8)]

    breaker = door.front.front.upstreams["grievance"].breaker
    assert [answer.status_code for answer in answers] == [503] * 8
    assert breaker.state == "open"
    assert all(answer.headers["retry-after"] for answer in answers)
    assert door.front.front.upstreams["users"].breaker.state == "closed"


async def test_who_files_goes_before_who_looks(open_door: OpenDoor, upstream: Upstream) -> None:
    """Reliability row 36: one call at a time, a queue in order of what would be lost."""
    door = await open_door(calls_per_peer=1)
    is_first = asyncio.Event()
    go_on = asyncio.Event()
    order: list[str] = []

    async def play(asked: Asked, receive: Receive, send: Send) -> None:
        await read_all(asked, receive)
        order.append(asked.target)
        if len(order) == 1:
            is_first.set()
            await go_on.wait()
        await say(send, b"{}")

    upstream.play = play
    slots = door.front.front.upstreams["grievance"].slots
    async with door.client() as client:
        calls = [asyncio.create_task(client.get("/quick"))]
        await is_first.wait()
        for number, (method, path) in enumerate([("GET", "/things"), ("POST", "/filed")], start=1):
            calls.append(asyncio.create_task(client.request(method, path, json=_body(method))))
            await until(partial(_wait_there, slots, number))
        go_on.set()
        answers = await asyncio.gather(*calls)

    assert [answer.status_code for answer in answers] == [200] * 3
    assert order == ["/quick", "/filed", "/things"]


def _wait_there(slots: Slots, count: int) -> bool:
    return slots.waiting == count


def _body(method: str) -> Any:
    return {} if method == "POST" else None


async def test_more_than_a_service_can_do_is_refused_soon(
    open_door: OpenDoor, upstream: Upstream
) -> None:
    """Reliability row 36: shed with 503 and Retry-After, and the rest is served."""
    door = await open_door(calls_per_peer=1)
    go_on = asyncio.Event()

    async def play(_: Asked, __: Receive, send: Send) -> None:
        await go_on.wait()
        await say(send, b"{}")

    upstream.play = play
    slots = door.front.front.upstreams["grievance"].slots
    async with door.client() as client:
        calls = [asyncio.create_task(client.get("/things")) for _ in range(12)]
        await until(lambda: slots.shed == 3)
        upstream.play = agree
        go_on.set()
        answers = await asyncio.gather(*calls)

    refused = [answer for answer in answers if answer.status_code == 503]
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [503] * 3
    assert {answer.json()["error"]["code"] for answer in refused} == {"OVERLOADED"}
    assert all(answer.headers["retry-after"] for answer in refused)


async def test_who_runs_us_may_always_look(open_door: OpenDoor) -> None:
    """Probes come by address, and often: neither names nor limits are for them."""
    door = await open_door(
        allowed_hosts=("redress.example",), rate_limits=True, limits={"default": {"anonymous": 2}}
    )
    async with door.client(None) as client:
        assert await statuses(client, 5, "/readyz") == [200] * 5
        assert await statuses(client, 1, "/health") == [400]


async def test_a_fault_of_ours_is_answered_and_the_door_stays_open(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request without a body goes straight, before there is a task that could catch it."""
    door = await open_door()

    def broken(_: object) -> None:
        raise RuntimeError

    async with door.client() as client:
        with monkeypatch.context() as patch:
            patch.setattr(door.front.front.entrance, "agree", broken)
            fault = await client.get("/things")
        after = await client.get("/things")

    assert (fault.status_code, fault.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert after.status_code == 200
