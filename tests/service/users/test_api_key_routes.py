"""API keys: issued, shown once, exchanged, revoked."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from libs.common.clock import utc_now
from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.users import ApiKeyRevoked
from libs.common.ids import new_id
from libs.common.principal import Role
from libs.common.testing.stage import Stage, until
from libs.common.tokens import InvalidToken, Verifier
from services.users.domain.api_keys import new_key
from services.users.models import Act
from services.users.repository.keys import ApiKeyRepository
from services.users.routes.api_keys import TOKEN_SECONDS

KEYS = "/api/v1/api-keys"


async def issue(stage: Stage, name: str = "Newspaper", **more: Any) -> dict[str, Any]:
    body = {"name": name, "scopes": ["case:read"], **more}
    answer = await stage.client(Role.SUPER_ADMIN).post(KEYS, json=body)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    data: dict[str, Any] = answer.json()["data"]
    return data


async def exchange(stage: Stage, api_key: str) -> httpx2.Response:
    return await stage.peer("gateway").post(
        "/internal/api-keys/exchange", json={"api_key": api_key}
    )


async def test_a_key_is_seen_once_and_kept_as_a_hash(stage: Stage) -> None:
    """S0-29, S4-18c."""
    key = await issue(stage)
    listed = await stage.client(Role.COUNTRY_ADMIN).get(KEYS)

    assert key["api_key"].startswith(key["prefix"])
    [row] = listed.json()["data"]["items"]
    assert row == {name: value for name, value in key.items() if name != "api_key"}
    assert key["api_key"] not in listed.text
    async with stage.uow.read() as tx:
        kept = await ApiKeyRepository(tx.session).get(key["key_id"])
    assert len(kept.key_hash) == 32
    told = [row for row in await stage.said(AuditRecorded) if row.target == f"key:{key['key_id']}"]
    assert [row.act for row in told] == [Act.API_KEY_CREATED]


async def test_a_key_is_exchanged_for_a_short_token_of_an_api_client(stage: Stage) -> None:
    key = await issue(stage)
    answer = await exchange(stage, key["api_key"])

    data = answer.json()["data"]
    principal = Verifier(stage.service.keys, "grievance").verify(data["access_token"])
    assert (data["expires_in"], data["key_id"]) == (TOKEN_SECONDS, key["key_id"])
    assert (principal.id, principal.role) == (f"key:{key['key_id']}", Role.API_CLIENT)
    assert principal.session == key["key_id"]
    listed = (await stage.client(Role.SUPER_ADMIN).get(KEYS)).json()["data"]["items"]
    assert listed[0]["last_used_at"] is not None


async def test_the_token_says_what_the_key_was_made_for(stage: Stage) -> None:
    """Design 4: API keys with scopes, exchanged at the gateway for a short token."""
    key = await issue(stage, scopes=["events:read", "case:read"])
    data = (await exchange(stage, key["api_key"])).json()["data"]

    principal = Verifier(stage.service.keys, "gateway").verify(data["access_token"])
    assert data["scopes"] == ["events:read", "case:read"]
    assert principal.scopes == {"events:read", "case:read"}
    officer = Verifier(stage.service.keys, "gateway").verify(stage.token(Role.SUPER_ADMIN))
    assert officer.scopes == frozenset()


async def test_a_key_says_where_it_may_be_used_from(stage: Stage) -> None:
    """Issue 3: allow-lists per API key; one spelling each, shown in the list and exchanged."""
    given = ["203.0.113.7", "10.0.0.0/255.0.0.0", "2001:DB8:0::/32"]
    key = await issue(stage, allowed_addresses=given)

    kept = ["203.0.113.7/32", "10.0.0.0/8", "2001:db8::/32"]
    assert key["allowed_addresses"] == kept
    [listed] = (await stage.client(Role.SUPER_ADMIN).get(KEYS)).json()["data"]["items"]
    assert listed["allowed_addresses"] == kept
    assert (await exchange(stage, key["api_key"])).json()["data"]["allowed_addresses"] == kept
    anywhere = await issue(stage, "Anywhere")
    data = (await exchange(stage, anywhere["api_key"])).json()["data"]
    assert data["allowed_addresses"] == []


async def test_that_a_key_is_used_is_not_written_down_every_time(stage: Stage) -> None:
    key = await issue(stage)

    async def last_used() -> object:
        await exchange(stage, key["api_key"])
        async with stage.uow.read() as tx:
            return (await ApiKeyRepository(tx.session).get(key["key_id"])).last_used_at

    assert await last_used() == await last_used()


async def test_a_revoked_key_opens_nothing_and_stays_in_the_list(stage: Stage) -> None:
    key = await issue(stage)
    other = await issue(stage, "Another")
    admin = stage.client(Role.SUPER_ADMIN)
    answers = [await admin.delete(f"{KEYS}/{key['key_id']}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["data"]["revoked_at"] is not None
    refused = await exchange(stage, key["api_key"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "INVALID_API_KEY")
    assert (await exchange(stage, other["api_key"])).status_code == 200
    assert await stage.said(ApiKeyRevoked) == [ApiKeyRevoked(key_id=key["key_id"])]
    assert len((await admin.get(KEYS)).json()["data"]["items"]) == 2


async def rotate(stage: Stage, key_id: str, **body: Any) -> httpx2.Response:
    return await stage.client(Role.SUPER_ADMIN).post(f"{KEYS}/{key_id}/rotate", json=body)


async def test_a_rotated_key_is_good_beside_the_new_one_for_a_while(stage: Stage) -> None:
    """Issue 4: rotation with overlap."""
    old = await issue(stage, scopes=["case:read"], allowed_addresses=["10.0.0.0/8"])
    answer = await rotate(stage, old["key_id"], overlap_seconds=3600)

    new = answer.json()["data"]
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert new["replaces"] == old["key_id"]
    for field in ("name", "scopes", "allowed_addresses", "expires_at"):
        assert new[field] == old[field]
    assert new["api_key"] != old["api_key"]
    for key in (old, new):
        assert (await exchange(stage, key["api_key"])).status_code == 200
    listed = (await stage.client(Role.SUPER_ADMIN).get(KEYS)).json()["data"]["items"]
    left = datetime.fromisoformat(listed[1]["expires_at"]) - utc_now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


async def test_a_key_rotated_without_overlap_opens_nothing_and_its_tokens_neither(
    stage: Stage,
) -> None:
    old = await issue(stage)
    token = (await exchange(stage, old["api_key"])).json()["data"]["access_token"]
    await rotate(stage, old["key_id"], overlap_seconds=0)

    assert (await exchange(stage, old["api_key"])).status_code == 401
    await until(lambda: old["key_id"] in stage.service.revoked)
    with pytest.raises(InvalidToken):
        stage.service.verifier.verify(token)


async def test_an_expired_key_opens_nothing(stage: Stage) -> None:
    soon = (utc_now() + timedelta(seconds=4)).isoformat()
    key = await issue(stage, expires_at=soon)
    token = (await exchange(stage, key["api_key"])).json()["data"]
    assert token["expires_in"] < 4

    async def is_refused() -> bool:
        return (await exchange(stage, key["api_key"])).status_code == 401

    await until(is_refused)
    await until(lambda: key["key_id"] in stage.service.revoked)
    assert (await rotate(stage, key["key_id"])).json()["error"]["code"] == "API_KEY_OVER"


async def test_a_key_that_expires_is_followed_by_one_that_lives_as_long(stage: Stage) -> None:
    key = await issue(stage, expires_at=(utc_now() + timedelta(days=90)).isoformat())
    new = (await rotate(stage, key["key_id"])).json()["data"]

    lives = datetime.fromisoformat(new["expires_at"]) - utc_now()
    assert timedelta(days=89) < lives <= timedelta(days=90)


async def test_a_key_has_one_successor_and_each_lives_as_long_as_the_first(stage: Stage) -> None:
    """The first one's life is cut short by the overlap: no successor is measured by that."""
    first = await issue(stage, expires_at=(utc_now() + timedelta(days=90)).isoformat())
    second = (await rotate(stage, first["key_id"])).json()["data"]
    refused = await rotate(stage, first["key_id"])
    third = (await rotate(stage, second["key_id"])).json()["data"]

    assert (refused.status_code, refused.json()["error"]["code"]) == (
        409,
        "API_KEY_ALREADY_ROTATED",
    )
    named = refused.json()["error"]["details"]
    assert named == {"key_id": second["key_id"], "prefix": second["prefix"]}
    assert datetime.fromisoformat(third["expires_at"]) - utc_now() > timedelta(days=89)


async def test_of_two_who_rotate_a_key_at_once_one_is_told_of_the_other(stage: Stage) -> None:
    key = await issue(stage)
    answers = await asyncio.gather(*(rotate(stage, key["key_id"]) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    listed = (await stage.client(Role.SUPER_ADMIN).get(KEYS)).json()["data"]["items"]
    assert [each["replaces"] for each in listed].count(key["key_id"]) == 1


async def test_a_revoked_key_is_not_rotated(stage: Stage) -> None:
    key = await issue(stage)
    await stage.client(Role.SUPER_ADMIN).delete(f"{KEYS}/{key['key_id']}")

    answer = await rotate(stage, key["key_id"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "API_KEY_OVER")


@pytest.mark.parametrize("overlap", [-1, 7 * 24 * 3600 + 1, "1", 1.5, None])
async def test_an_overlap_is_a_week_at_most(stage: Stage, overlap: Any) -> None:
    key = await issue(stage)

    assert (await rotate(stage, key["key_id"], overlap_seconds=overlap)).status_code == 422


@pytest.mark.parametrize(
    "text",
    [new_key(new_id()), "", "rdr_live_x", "x" * 200, "é", "\u0000"],
    ids=["unknown", "empty", "short", "long", "accented", "nul"],
)
async def test_any_other_text_is_no_key_and_is_not_repeated(stage: Stage, text: str) -> None:
    answer = await exchange(stage, text)

    assert answer.status_code == (422 if text == "\u0000" else 401)
    assert len(text) < 9 or text not in answer.text


async def test_only_administrators_deal_in_keys_and_only_services_exchange_them(
    stage: Stage,
) -> None:
    key = await issue(stage)
    for role in (Role.GUEST, Role.API_CLIENT, Role.INTAKE_OFFICER, Role.AUDITOR):
        client = stage.client(role)
        answers = [
            await client.get(KEYS),
            await client.post(KEYS, json={"name": "x"}),
            await client.delete(f"{KEYS}/{key['key_id']}"),
            await client.post(f"{KEYS}/{key['key_id']}/rotate", json={}),
        ]
        assert [answer.status_code for answer in answers] == [403] * 4
    for client in (stage.client(Role.SUPER_ADMIN), stage.client(Role.API_CLIENT)):
        answer = await client.post("/internal/api-keys/exchange", json={"api_key": key["api_key"]})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "\u200b"},
        {"name": "x", "scopes": ["All Of It"]},
        {"name": "x", "scopes": ["a:b"]},
        {"name": "x", "scopes": ["user:reveal"]},
        {"name": "x", "scopes": ["case:read"] * 51},
        {"name": "x", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "x", "expires_at": "2099-01-01T00:00:00"},
        {"name": "x", "key": "mine"},
        {"name": "x", "allowed_addresses": ["10.0.0.1/8"]},
        {"name": "x", "allowed_addresses": ["example.org"]},
        {"name": "x", "allowed_addresses": [167772161]},
        {"name": "x", "allowed_addresses": ["10.0.0.1"] * 51},
    ],
)
async def test_what_no_key_can_be_is_refused(stage: Stage, body: dict[str, Any]) -> None:
    answer = await stage.client(Role.SUPER_ADMIN).post(KEYS, json=body)

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "key_id",
    ["x", new_id(), "%00", "a" * 300, "%E2%80%8B"],
    ids=["short", "unknown", "nul", "long", "invisible"],
)
async def test_a_key_that_is_not_there_is_not_revoked(stage: Stage, key_id: str) -> None:
    answer = await stage.client(Role.SUPER_ADMIN).delete(f"{KEYS}/{key_id}")

    assert answer.status_code == 404


async def test_the_list_is_read_page_by_page(stage: Stage) -> None:
    issued = [(await issue(stage, f"Key {number}"))["key_id"] for number in range(5)]
    admin = stage.client(Role.SUPER_ADMIN)
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        data = (await admin.get(KEYS, params=query)).json()["data"]
        found += [item["key_id"] for item in data["items"]]
        if data["next_cursor"] is None:
            break
        query["cursor"] = data["next_cursor"]

    assert found == issued[::-1]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=%25ff", "offset=1"]
)
async def test_a_list_is_not_asked_for_nonsense(stage: Stage, query: str) -> None:
    answer = await stage.client(Role.SUPER_ADMIN).get(f"{KEYS}?{query}")

    assert answer.status_code in {400, 422}


async def test_a_key_is_not_kept_to_be_handed_out_again(stage: Stage) -> None:
    """Issue 4: hash at rest, also of what was answered."""
    made = [
        await stage.client(Role.SUPER_ADMIN).post(
            "/api/v1/api-keys",
            json={"name": "GRM", "scopes": ["case:read"]},
            headers={"Idempotency-Key": "same"},
        )
        for _ in range(2)
    ]

    assert [each.status_code for each in made] == [201, 201]
    assert made[0].json()["data"]["api_key"] != made[1].json()["data"]["api_key"]
