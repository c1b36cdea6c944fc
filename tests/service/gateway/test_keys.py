"""API keys at the door: exchanged for a token, once a minute."""

import asyncio
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Send

from libs.common.bus.factory import open_bus
from libs.common.bus.protocol import Message
from libs.common.contracts.users import ApiKeyRevoked
from libs.common.events import Envelope
from libs.common.principal import Role
from libs.common.testing.stage import until
from services.gateway.domain import exchanging
from services.gateway.domain.exchanging import KeyExchange
from tests.service.gateway.conftest import (
    EXCHANGE,
    NOWHERE,
    Asked,
    Door,
    OpenDoor,
    Upstream,
    say,
    with_key,
)

KEY = "rdr_live_0123abcd_" + "a" * 49


class Clock:
    """The exchange's clock, to be moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(exchanging, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def call(door: Door, key: str = KEY) -> httpx2.Response:
    async with door.client(None) as client:
        return await client.get("/things", headers={"X-API-Key": key})


def exchanges(users: Upstream) -> int:
    return len([asked for asked in users.asked if asked.scope["path"] == EXCHANGE])


async def test_a_key_goes_on_as_the_token_it_is_exchanged_for(
    door: Door, upstream: Upstream, users: Upstream
) -> None:
    """S0-29."""
    token = door.token(Role.API_CLIENT)
    users.play = with_key(token)
    async with door.client(None) as client:
        answers = [
            await client.get("/things", headers={"X-API-Key": KEY}),
            await client.get("/things", headers={"Authorization": f"Bearer {KEY}"}),
        ]

    assert [answer.status_code for answer in answers] == [200, 200]
    for asked in upstream.asked:
        assert asked.headers["authorization"] == f"Bearer {token}"
        assert "x-api-key" not in asked.headers
        assert KEY not in str(asked.scope["headers"])
    [exchange] = users.asked
    assert exchange.body.decode() == f'{{"api_key":"{KEY}"}}'
    assert exchange.headers["authorization"].startswith("Bearer ")


async def test_a_key_is_let_in_where_the_table_lets_its_role(
    door: Door, users: Upstream, upstream: Upstream
) -> None:
    users.play = with_key(door.token(Role.API_CLIENT))
    async with door.client(None) as client:
        answer = await client.put("/things/1", json={}, headers={"X-API-Key": KEY})

    assert answer.status_code == 403
    assert upstream.asked == []


async def test_users_is_asked_once_a_minute_and_once_for_all_who_wait(
    door: Door, users: Upstream, clock: Clock
) -> None:
    users.play = with_key(door.token(Role.API_CLIENT))

    answers = await asyncio.gather(*(call(door) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert exchanges(users) == 1

    clock.now += 61
    await call(door)
    assert exchanges(users) == 2


async def test_what_is_no_key_is_refused_and_asked_about_once_in_five_seconds(
    door: Door, users: Upstream, clock: Clock
) -> None:
    users.play = with_key(None)

    for _ in range(3):
        answer = await call(door)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "INVALID_API_KEY")
    assert exchanges(users) == 1

    clock.now += 6
    users.play = with_key(door.token(Role.API_CLIENT))
    assert (await call(door)).status_code == 200


@pytest.mark.parametrize("key", ["rdr_live_x", "a", "", KEY + "!", KEY + " " + KEY, "rdr_" * 99])
async def test_what_cannot_be_a_key_is_not_asked_about(
    door: Door, users: Upstream, key: str
) -> None:
    answer = await call(door, key)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "INVALID_API_KEY")
    assert users.asked == []
    assert len(key) < 5 or key not in answer.text


async def test_while_users_is_away_a_known_key_holds_as_long_as_its_token(
    door: Door, users: Upstream, clock: Clock
) -> None:
    users.play = with_key(door.token(Role.API_CLIENT), expires_in=300)
    assert (await call(door)).status_code == 200

    async def fail(_: Asked, __: Receive, send: Send) -> None:
        await say(send, b"", status=500)

    users.play = fail
    clock.now += 250
    assert (await call(door)).status_code == 200
    clock.now += 50
    answer = await call(door)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert answer.headers["retry-after"]


async def test_while_users_is_away_an_unknown_key_is_neither_good_nor_bad(
    open_door: OpenDoor,
) -> None:
    door = await open_door(at={"users": NOWHERE})

    assert (await call(door)).status_code == 503


async def test_a_users_that_hangs_is_not_waited_for(door: Door, users: Upstream) -> None:
    async def hang(_: Asked, receive: Receive, __: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    users.play = hang
    async with asyncio.timeout(2):
        assert (await call(door)).status_code == 503


async def test_a_revoked_key_opens_nothing_any_more(
    open_door: OpenDoor, users: Upstream, tmp_path: Any
) -> None:
    """api_key.revoked is heard: the minute is not waited for."""
    bus = open_bus(f"embedded://{tmp_path / 'bus.db'}", name="gateway", prefix="test")
    await bus.start()
    door = await open_door(bus=bus)
    users.play = with_key(door.token(Role.API_CLIENT), key_id="k-1")
    assert (await call(door)).status_code == 200
    users.play = with_key(None)

    async def is_refused() -> bool:
        for key_id in ("k-other", "k-1"):
            envelope = Envelope.of(ApiKeyRevoked(key_id=key_id), source="users")
            await bus.publish([Message(envelope.id, envelope.type, envelope.to_bytes())])
        return (await call(door)).status_code == 401

    await until(is_refused, every=0.05)
    await bus.close()


async def test_forgetting_one_key_forgets_no_other(door: Door, users: Upstream) -> None:
    users.play = with_key(door.token(Role.API_CLIENT), key_id="k-1")
    await call(door)

    keys_of(door).forget("k-2")
    await call(door)
    assert exchanges(users) == 1
    keys_of(door).forget("k-1")
    await call(door)
    assert exchanges(users) == 2


def keys_of(door: Door) -> KeyExchange:
    return door.front.keys


async def test_a_key_is_in_no_log_and_no_refusal(
    door: Door, users: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    users.play = with_key(None)
    answer = await call(door)

    assert "a" * 49 not in answer.text
    assert "a" * 49 not in capsys.readouterr().out
