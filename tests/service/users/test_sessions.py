"""Sessions: gone on with, listed, ended, and over when they should be (issue 4, tokens)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from libs.common.clock import utc_now
from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.users import SessionRevoked
from libs.common.principal import Principal, Role, Scope
from libs.common.testing.stage import Stage, until
from libs.common.tokens import Verifier
from services.users.domain import people, sessions
from services.users.domain.sessions import SessionRules
from services.users.models import Act, RefreshToken, Revocation, Session, User
from tests.service.users.conftest import Appointing

PASSWORD = "correct-horse-battery"
Tokens = dict[str, Any]
SignIn = Callable[[], Awaitable[Tokens]]


@pytest.fixture
async def sign_in(stage: Stage, a_user: Appointing) -> SignIn:
    """Sign in as the same member of staff, once more."""
    await a_user(username="sita", password=PASSWORD, scope={"projects": ["road"]})

    async def signed_in() -> Tokens:
        form = {"grant_type": "password", "username": "sita", "password": PASSWORD}
        answer = await stage.client().post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        tokens: Tokens = answer.json()
        return tokens

    return signed_in


def caller(stage: Stage, tokens: Tokens) -> httpx2.AsyncClient:
    return stage._client(tokens["access_token"])


async def refresh(stage: Stage, token: str) -> httpx2.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return await stage.client().post("/oauth/token", data=form)


async def refused(stage: Stage, token: str) -> None:
    answer = await refresh(stage, token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def set_back(stage: Stage, **columns: timedelta) -> None:
    """Have every session be that much older."""
    async with stage.uow.begin() as tx:
        for row in await tx.session.scalars(select(Session)):
            for name, by in columns.items():
                setattr(row, name, getattr(row, name) - by)


async def test_a_refresh_token_is_taken_for_the_next_one(stage: Stage, sign_in: SignIn) -> None:
    first = await sign_in()
    answer = await refresh(stage, first["refresh_token"])

    second = answer.json()
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert second["session_id"] == first["session_id"]
    assert second["refresh_token"] != first["refresh_token"]
    principal = Verifier(stage.service.keys, "grievance").verify(second["access_token"])
    assert principal.session == first["session_id"]
    assert principal.scope.projects == ("road",)
    assert (await refresh(stage, second["refresh_token"])).status_code == 200


async def test_a_refresh_token_is_kept_as_a_keyed_hash(stage: Stage, sign_in: SignIn) -> None:
    token = (await sign_in())["refresh_token"]

    async with stage.uow.read() as tx:
        [row] = list(await tx.session.scalars(select(RefreshToken)))
        assert row.token_hash == tx.vault.blind("refresh_token", token)
    assert token.startswith("rdr_refresh_")
    assert len(token) == len("rdr_refresh_") + 43


async def test_a_refresh_token_that_comes_twice_ends_its_session(
    stage: Stage, sign_in: SignIn
) -> None:
    """Reliability 3 row 11: whoever stole it, and whoever it was stolen from, sign in again."""
    first = await sign_in()
    other = await sign_in()
    second = (await refresh(stage, first["refresh_token"])).json()

    await refused(stage, first["refresh_token"])
    await refused(stage, second["refresh_token"])

    assert [each.session_id for each in await stage.said(SessionRevoked)] == [first["session_id"]]
    [row] = [row for row in await stage.said(AuditRecorded) if row.act == Act.SESSION_ENDED]
    assert (row.target, row.reason) == (f"session:{first['session_id']}", "refresh_reused")
    await until(lambda: first["session_id"] in stage.service.revoked)
    assert (await caller(stage, second).get("/api/v1/users/me")).status_code == 401
    assert (await refresh(stage, other["refresh_token"])).status_code == 200


async def test_of_twenty_who_refresh_at_once_one_may_and_then_nobody(
    stage: Stage, sign_in: SignIn
) -> None:
    """Reliability 3 row 11; issue 4 must show 2."""
    tokens = await sign_in()
    answers = await asyncio.gather(*(refresh(stage, tokens["refresh_token"]) for _ in range(20)))

    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) <= 1
    assert all(answer.status_code in {200, 400} for answer in answers)
    for each in won:
        await refused(stage, each["refresh_token"])
    assert len(await stage.said(SessionRevoked)) == 1


@pytest.mark.parametrize(
    "older",
    [
        {"last_seen_at": timedelta(minutes=31)},
        {"expires_at": timedelta(hours=12)},
    ],
    ids=["idle for half an hour", "open for twelve hours"],
)
async def test_a_session_that_is_over_is_not_gone_on_with(
    stage: Stage, sign_in: SignIn, older: dict[str, timedelta]
) -> None:
    """Issue 4: a session that is idle for 30 minutes is over."""
    tokens = await sign_in()
    await set_back(stage, **older)

    await refused(stage, tokens["refresh_token"])
    assert len(await stage.said(SessionRevoked)) == 1
    assert (await caller(stage, tokens).get("/api/v1/auth/sessions")).status_code in {200, 401}


async def test_a_session_that_is_used_lives_on(stage: Stage, sign_in: SignIn) -> None:
    tokens = await sign_in()
    for _ in range(3):
        await set_back(stage, last_seen_at=timedelta(minutes=20))
        tokens = (await refresh(stage, tokens["refresh_token"])).json()
        assert "refresh_token" in tokens


async def test_what_somebody_may_is_read_again_with_each_refresh(
    stage: Stage, sign_in: SignIn
) -> None:
    tokens = await sign_in()
    async with stage.uow.begin() as tx:
        user = await tx.session.scalar(select(User).where(User.phone_index.is_not(None)))
        assert user is not None
        admin = Principal("user:1", Role.SUPER_ADMIN)
        await people.change(tx, user, people.Person(), scope=Scope(("water",)), by=admin)

    after = (await refresh(stage, tokens["refresh_token"])).json()

    principal = Verifier(stage.service.keys, "grievance").verify(after["access_token"])
    assert principal.scope.projects == ("water",)


async def test_staff_who_proved_no_more_than_a_phone_stay_citizens(
    stage: Stage, a_user: Appointing
) -> None:
    user_id = (await a_user(scope={"projects": ["road"]}))["user_id"]
    settings = stage.app.state.settings
    async with stage.uow.begin() as tx:
        user = await tx.session.get(User, user_id)
        assert user is not None
        rules = SessionRules.of(settings)
        begun = await sessions.begin(tx, user, role=Role.CITIZEN, method="otp", rules=rules)
    after = (await refresh(stage, begun.refresh_token)).json()

    principal = Verifier(stage.service.keys, "grievance").verify(after["access_token"])
    assert (principal.role, principal.scope) == (Role.CITIZEN, Scope())


@pytest.mark.parametrize(
    "token", ["x", "rdr_refresh_" + "A" * 43, "rdr_refresh_é", "a\0b", "rdr_live_x"]
)
async def test_any_other_text_is_no_refresh_token(stage: Stage, token: str) -> None:
    await refused(stage, token)


async def test_my_sessions_are_listed_and_which_one_this_is(stage: Stage, sign_in: SignIn) -> None:
    first, second = await sign_in(), await sign_in()

    answer = await caller(stage, second).get("/api/v1/auth/sessions")

    rows = answer.json()["data"]
    assert [row["session_id"] for row in rows] == [second["session_id"], first["session_id"]]
    assert [row["is_current"] for row in rows] == [True, False]
    assert {row["method"] for row in rows} == {"password"}
    assert first["refresh_token"] not in answer.text


async def test_a_session_on_a_lost_device_is_ended_from_another(
    stage: Stage, sign_in: SignIn
) -> None:
    lost, mine = await sign_in(), await sign_in()
    client = caller(stage, mine)

    answer = await client.delete(f"/api/v1/auth/sessions/{lost['session_id']}")

    assert answer.json()["data"] == {"ended": 1}
    await refused(stage, lost["refresh_token"])
    again = await client.delete(f"/api/v1/auth/sessions/{lost['session_id']}")
    assert again.status_code == 404
    assert (await refresh(stage, mine["refresh_token"])).status_code == 200


async def test_nobody_ends_the_session_of_somebody_else(stage: Stage, sign_in: SignIn) -> None:
    tokens = await sign_in()
    path = f"/api/v1/auth/sessions/{tokens['session_id']}"
    for client in (
        stage.client(Role.CITIZEN, "user:999"),
        stage.client(Role.GUEST, "guest:1"),
        stage.client(Role.SUPER_ADMIN),
    ):
        answer = await client.delete(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SESSION_NOT_FOUND")
    assert (await refresh(stage, tokens["refresh_token"])).status_code == 200


async def test_all_other_sessions_are_ended_and_this_one_is_not(
    stage: Stage, sign_in: SignIn
) -> None:
    others, mine = [await sign_in() for _ in range(3)], await sign_in()

    answer = await caller(stage, mine).delete("/api/v1/auth/sessions")

    assert answer.json()["data"] == {"ended": 3}
    for each in others:
        await refused(stage, each["refresh_token"])
    assert (await refresh(stage, mine["refresh_token"])).status_code == 200


async def test_after_signing_out_the_token_is_refused_here_within_five_seconds(
    stage: Stage, sign_in: SignIn
) -> None:
    """Issue 4: revocation is effective within 5 s."""
    tokens = await sign_in()
    client = caller(stage, tokens)
    assert (await client.get("/api/v1/users/me")).status_code == 200

    assert (await client.post("/api/v1/auth/logout")).json()["data"] == {"ended": 1}

    async def is_refused() -> bool:
        answer = await client.get("/api/v1/users/me")
        return answer.status_code == 401 and answer.json()["error"]["code"] == "INVALID_TOKEN"

    await until(is_refused, seconds=5)
    await refused(stage, tokens["refresh_token"])


async def test_a_guest_signs_out_too(stage: Stage) -> None:
    token = (await stage.client().post("/api/v1/auth/guest")).json()["data"]["access_token"]
    guest = stage._client(token)
    ticket = (await guest.post("/api/v1/auth/ticket")).json()["data"]["ticket"]

    await guest.post("/api/v1/auth/logout")

    async def is_refused() -> bool:
        return (await guest.get("/api/v1/users/me")).status_code == 401

    await until(is_refused, seconds=5)
    exchanged = await stage.peer("gateway").post(
        "/internal/tickets/exchange", json={"ticket": ticket}
    )
    assert exchanged.status_code == 401


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
async def test_revoking_a_token_ends_its_session(stage: Stage, sign_in: SignIn, which: str) -> None:
    """RFC 7009."""
    tokens = await sign_in()
    form = {"token": tokens[which], "token_type_hint": "nonsense"}

    answer = await stage.client().post("/oauth/revoke", data=form)

    assert (answer.status_code, answer.content) == (200, b"")
    await refused(stage, tokens["refresh_token"])
    await until(lambda: tokens["session_id"] in stage.service.revoked)


@pytest.mark.parametrize("token", ["x", "rdr_refresh_" + "A" * 43, "a.b.c", "é", "a\0b"])
async def test_revoking_what_is_no_token_is_no_error(stage: Stage, token: str) -> None:
    answer = await stage.client().post("/oauth/revoke", data={"token": token})

    assert (answer.status_code, answer.content) == (200, b"")


async def test_services_are_told_who_has_signed_out(stage: Stage, sign_in: SignIn) -> None:
    gone, here = await sign_in(), await sign_in()
    await caller(stage, gone).post("/api/v1/auth/logout")
    peer = stage.peer("chat")

    page = (await peer.get("/internal/revocations")).json()["data"]
    assert (page["items"], page["next_cursor"]) == ([gone["session_id"]], None)
    later = {"since": (utc_now() + timedelta(seconds=1)).isoformat()}
    assert (await peer.get("/internal/revocations", params=later)).json()["data"]["items"] == []
    assert (await caller(stage, here).get("/internal/revocations")).status_code == 403


async def test_a_long_list_is_read_to_its_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PAGE", 3)
    at = utc_now()
    async with stage.uow.begin() as tx:
        for number in range(10):
            await sessions.refuse_tokens(tx, f"s-{number}", at=at)

    await until(lambda: len(stage.service.revoked) == 10)
    assert all(f"s-{number}" in stage.service.revoked for number in range(10))


async def test_what_nobody_can_show_any_more_is_forgotten(stage: Stage, sign_in: SignIn) -> None:
    tokens, other = await sign_in(), await sign_in()
    await caller(stage, tokens).post("/api/v1/auth/logout")
    longer_ago = timedelta(days=32)
    async with stage.uow.begin() as tx:
        await tx.session.execute(update(Revocation).values(until=utc_now() - timedelta(seconds=1)))
        await tx.session.execute(
            update(Session)
            .where(Session.session_id == tokens["session_id"])
            .values(ended_at=utc_now() - longer_ago)
        )
        await sessions.forget(tx)

    async with stage.uow.read() as tx:
        assert list(await tx.session.scalars(select(Revocation))) == []
        assert list(await tx.session.scalars(select(Session.session_id))) == [other["session_id"]]
    assert (await refresh(stage, other["refresh_token"])).status_code == 200


async def test_ending_a_session_twice_is_ending_it_once(stage: Stage, sign_in: SignIn) -> None:
    session_id = (await sign_in())["session_id"]
    for _ in range(2):
        async with stage.uow.begin() as tx:
            await sessions.end(tx, session_id, why="test")

    assert len(await stage.said(SessionRevoked)) == 1


@pytest.mark.parametrize("body", [{"role": "grc_member"}, {"password": "another-long-phrase-77"}])
async def test_a_new_role_or_password_ends_what_was_begun_with_the_old(
    stage: Stage, sign_in: SignIn, body: dict[str, str]
) -> None:
    """Reliability 3 row 12."""
    tokens = await sign_in()
    me = (await caller(stage, tokens).get("/api/v1/users/me")).json()["data"]

    answer = await stage.client(Role.SUPER_ADMIN).put(
        f"/api/v1/users/{me['user_id']}", json=body, headers={"If-Match": '"1"'}
    )

    assert answer.status_code == 200, answer.text
    await refused(stage, tokens["refresh_token"])
    assert [each.session_id for each in await stage.said(SessionRevoked)] == [tokens["session_id"]]


@pytest.mark.parametrize(("phone", "status"), [("9841234567", 200), ("9841234568", 409)])
async def test_nobody_else_replaces_the_phone_somebody_proved(
    stage: Stage, phone: str, status: int
) -> None:
    """Issue 4, tokens: whoever replaced it would be let in as them."""
    asked = await stage.client().post(
        "/api/v1/auth/otp/request", json={"phone_number": "9841234567", "channel": "sms"}
    )
    challenge_id = asked.json()["data"]["challenge_id"]
    told = await stage.peer("tasks").get(f"/internal/otp/{challenge_id}")
    proof = {"challenge_id": challenge_id, "code": told.json()["data"]["code"]}
    tokens = (await stage.client().post("/api/v1/auth/otp/verify", json=proof)).json()["data"]

    changed = await stage.client(Role.SUPER_ADMIN).put(
        f"/api/v1/users/{tokens['user_id']}",
        json={"phone_number": phone, "name": "Maya Rai"},
        headers={"If-Match": '"1"'},
    )

    assert changed.status_code == status, changed.text
    assert (await refresh(stage, tokens["refresh_token"])).status_code == 200
