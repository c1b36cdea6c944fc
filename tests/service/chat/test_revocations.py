"""Who has signed out is refused by every service, not by users alone (issue 4, tokens)."""

from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from libs.common.clock import utc_now
from libs.common.principal import Role
from libs.common.testing.stage import REVOCATIONS, Stage, until

ASKED = f"GET users {REVOCATIONS}"


class Users:
    """Users, as far as it lists who has signed out."""

    def __init__(self, stage: Stage) -> None:
        self.revoked: list[str] = []
        self.is_away = False
        self.since: list[str | None] = []
        stage.peers.answers[ASKED] = self

    def __call__(self, request: httpx2.Request) -> Any:
        self.since.append(parse_qs(request.url.query.decode()).get("since", [None])[0])
        if self.is_away:
            return httpx2.Response(503)
        return {"items": self.revoked, "as_of": utc_now().isoformat(), "next_cursor": None}


@pytest.fixture
def users(stage: Stage) -> Users:
    return Users(stage)


def caller(stage: Stage, session: str) -> httpx2.AsyncClient:
    return stage._client(stage.users.sign("guest:1", Role.GUEST, session=session))


async def is_refused(client: httpx2.AsyncClient) -> bool:
    answer = await client.get("/api/v1/chat/conversations/none/messages")
    return answer.status_code == 401 and answer.json()["error"]["code"] == "INVALID_TOKEN"


async def test_who_has_signed_out_is_refused_here_too_within_five_seconds(
    stage: Stage, users: Users
) -> None:
    gone, here = caller(stage, "s-gone"), caller(stage, "s-here")
    assert not await is_refused(gone)

    users.revoked.append("s-gone")

    await until(lambda: is_refused(gone), seconds=5)
    assert not await is_refused(here)


async def test_while_users_is_away_what_is_known_goes_on_holding(
    stage: Stage, users: Users
) -> None:
    gone = caller(stage, "s-gone")
    users.revoked.append("s-gone")
    await until(lambda: is_refused(gone), seconds=5)
    users.is_away = True
    asked = len(users.since)
    await until(lambda: len(users.since) > asked, seconds=5)

    assert await is_refused(gone)
    assert not await is_refused(caller(stage, "s-here"))


async def test_all_is_asked_for_once_and_then_what_is_new(stage: Stage, users: Users) -> None:
    """The windows overlap by a minute: a row may be committed after others with a later time."""
    await until(lambda: len(users.since) >= 2, seconds=6)

    assert None not in users.since[1:]
