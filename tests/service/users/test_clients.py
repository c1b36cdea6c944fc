"""API keys as OAuth clients (RFC 6749, 4.4): outside systems that speak nothing else."""

import base64
from typing import Any

import httpx2
import pytest

from libs.common.ids import new_id
from libs.common.principal import Role
from libs.common.testing.stage import Stage, until
from libs.common.tokens import InvalidToken, Verifier
from services.users.domain.api_keys import new_key

KEYS = "/api/v1/api-keys"
GRANT = {"grant_type": "client_credentials"}


async def a_key(stage: Stage, **more: Any) -> dict[str, Any]:
    body = {"name": "Newspaper", "scopes": ["case:read", "events:read"], **more}
    answer = await stage.client(Role.SUPER_ADMIN).post(KEYS, json=body)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def ask(
    stage: Stage, form: dict[str, Any], *, basic: tuple[str, str] | None = None
) -> httpx2.Response:
    headers = {}
    if basic:
        pair = base64.b64encode(":".join(basic).encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    return await stage.client().post("/oauth/token", data=GRANT | form, headers=headers)


@pytest.mark.parametrize("by_basic", [False, True], ids=["form", "basic"])
async def test_a_program_is_let_in_by_its_key(stage: Stage, by_basic: bool) -> None:
    key = await a_key(stage)
    pair = key["key_id"], key["api_key"]
    form = {} if by_basic else {"client_id": pair[0], "client_secret": pair[1]}

    answer = await ask(stage, form, basic=pair if by_basic else None)

    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert set(found) == {"access_token", "token_type", "expires_in", "scope"}
    assert found["scope"] == "case:read events:read"
    principal = Verifier(stage.service.keys, "grievance").verify(found["access_token"])
    assert (principal.id, principal.role) == (f"key:{key['key_id']}", Role.API_CLIENT)
    assert principal.scopes == {"case:read", "events:read"}
    assert principal.session == key["key_id"]


async def test_a_program_may_ask_for_less_and_not_for_more(stage: Stage) -> None:
    key = await a_key(stage)
    form = {"client_id": key["key_id"], "client_secret": key["api_key"]}

    less = await ask(stage, form | {"scope": "events:read"})
    more = await ask(stage, form | {"scope": "events:read case:file"})

    principal = Verifier(stage.service.keys, "x").verify(less.json()["access_token"])
    assert less.json()["scope"] == "events:read"
    assert principal.scopes == {"events:read"}
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")


async def test_who_is_not_who_they_say_is_refused_as_the_rfc_says(stage: Stage) -> None:
    key, other = await a_key(stage), await a_key(stage)
    gone = await a_key(stage)
    await stage.client(Role.SUPER_ADMIN).delete(f"{KEYS}/{gone['key_id']}")
    forms = [
        {},
        {"client_id": key["key_id"]},
        {"client_id": key["key_id"], "client_secret": other["api_key"]},
        {"client_id": key["key_id"], "client_secret": new_key(key["key_id"])},
        {"client_id": new_id(), "client_secret": key["api_key"]},
        {"client_id": gone["key_id"], "client_secret": gone["api_key"]},
        {"client_id": "é\0", "client_secret": "é\0"},
    ]
    for form in forms:
        answer = await ask(stage, form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), form
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert "rdr_live_" not in answer.text


@pytest.mark.parametrize("text", ["", "!!!!", "\u00ff", "OnNlY3JldA==", "/w=="])
async def test_a_basic_header_that_is_none_is_no_client(stage: Stage, text: str) -> None:
    answer = await stage.client().post(
        "/oauth/token", data=GRANT, headers={b"Authorization": f"Basic {text}".encode("latin-1")}
    )

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_program_says_who_it_is_in_one_way(stage: Stage) -> None:
    key = await a_key(stage)
    pair = key["key_id"], key["api_key"]

    answer = await ask(stage, {"client_id": pair[0], "client_secret": pair[1]}, basic=pair)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_key_that_is_bound_to_addresses_is_exchanged_where_those_are_known(
    stage: Stage,
) -> None:
    """A token goes anywhere: the addresses of its key would mean nothing."""
    key = await a_key(stage, allowed_addresses=["10.0.0.0/8"])

    answer = await ask(stage, {"client_id": key["key_id"], "client_secret": key["api_key"]})

    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


async def test_the_tokens_of_a_key_end_with_it(stage: Stage) -> None:
    key = await a_key(stage)
    form = {"client_id": key["key_id"], "client_secret": key["api_key"]}
    token = (await ask(stage, form)).json()["access_token"]
    revoked = await stage.client().post("/oauth/revoke", data={"token": token})
    assert revoked.json()["error"] == "unsupported_token_type"

    await stage.client(Role.SUPER_ADMIN).delete(f"{KEYS}/{key['key_id']}")

    await until(lambda: key["key_id"] in stage.service.revoked, seconds=5)
    with pytest.raises(InvalidToken):
        stage.service.verifier.verify(token)


async def test_that_a_program_came_is_noted(stage: Stage) -> None:
    key = await a_key(stage)
    await ask(stage, {"client_id": key["key_id"], "client_secret": key["api_key"]})

    [row] = (await stage.client(Role.SUPER_ADMIN).get(KEYS)).json()["data"]["items"]
    assert row["last_used_at"] is not None
