"""Every token attack of reliability.md section 3 rows 6-10 is refused (issue 4, must show 2)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from libs.common.ids import new_id
from libs.common.testing.stage import Stage
from tests.service.forgeries import NAME, ODD, claims, forged, good

ME = "/api/v1/users/me"


class Listener:
    """A server that forged tokens name, and nobody calls."""

    def __init__(self) -> None:
        self.called = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/keys.json"

    async def call(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.called += 1
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    found = Listener()
    server = await asyncio.start_server(found.call, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()
    await server.wait_closed()


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The names anybody has asked for; sockets beyond loopback are off in every test."""
    found: list[Any] = []
    resolve = socket.getaddrinfo

    def noting(host: Any, *more: Any, **named: Any) -> Any:
        found.append(host)
        return resolve(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", noting)
    return found


async def test_no_forged_token_opens_anything_and_nobody_is_called(
    stage: Stage, listener: Listener, looked_up: list[Any]
) -> None:
    client = stage._client(None)
    tried, believed, wrongly_refused = 0, [], []
    for name, token in forged(stage.users, stage.signers["chat"], listener=listener.url):
        header = {b"Authorization": f"Bearer {token}".encode()}
        answer = await client.get(ME, headers=header)
        tried += 1
        if answer.status_code < 400:
            believed.append(name)
        elif answer.status_code not in {401, 403}:
            wrongly_refused.append((name, answer.status_code))

    assert tried > 200
    assert (believed, wrongly_refused) == ([], [])
    assert listener.called == 0
    assert NAME not in looked_up


async def test_a_forged_token_is_none_wherever_one_is_taken(stage: Stage) -> None:
    """In a body as in a header: the token to end, the guest one was, the ticket of a stream."""
    gateway, client = stage.peer("gateway"), stage.client()
    code = {"challenge_id": new_id(), "code": "123456"}
    answers: dict[str, set[int]] = {"revoke": set(), "verify": set(), "ticket": set()}
    for odd in ODD:
        token = stage.users._signed(claims(), {"typ": odd})
        ended = await client.post("/oauth/revoke", data={"token": token})
        proved = await client.post("/api/v1/auth/otp/verify", json={**code, "guest_token": token})
        opened = await gateway.post("/internal/tickets/exchange", json={"ticket": token})
        answers["revoke"].add(ended.status_code)
        answers["verify"].add(proved.status_code)
        answers["ticket"].add(opened.status_code)

    assert answers == {"revoke": {200}, "verify": {401}, "ticket": {401}}


async def test_the_token_they_are_made_of_is_believed(stage: Stage) -> None:
    """Otherwise nothing above was shown."""
    answer = await stage._client(good(stage.users)).get(ME)

    assert answer.status_code == 200


async def test_two_authorization_headers_are_none(stage: Stage) -> None:
    token = good(stage.users)
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]

    answer = await stage.client().get(ME, headers=headers)

    assert answer.status_code == 401


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "Bearerx", "Token", ""])
async def test_another_scheme_is_no_token(stage: Stage, scheme: str) -> None:
    header = {"Authorization": f"{scheme} {good(stage.users)}"}

    assert (await stage.client().get(ME, headers=header)).status_code == 401


async def test_a_token_in_the_query_or_a_cookie_is_none(stage: Stage) -> None:
    token = good(stage.users)
    client = stage.client()

    assert (await client.get(ME, params={"access_token": token})).status_code == 401
    assert (await client.get(ME, headers={"Cookie": f"token={token}"})).status_code == 401
