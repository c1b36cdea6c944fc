from typing import Any

import httpx2

from libs.common.principal import Role
from libs.common.testing.stage import Stage, until
from tests.service.users.conftest import Appointing

WEAK = "sitasharma1234"
BODY = {"phone_number": "9812345678", "name": "Sita Sharma", "role": "auditor"}


def refused(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 422, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == "PASSWORD_TOO_WEAK"
    return error


async def test_a_password_made_of_ones_own_name_is_refused_with_advice(stage: Stage) -> None:
    """Issue 4: weak passwords are refused; the answer repeats none of it."""
    admin = stage.client(Role.SUPER_ADMIN)
    answer = await admin.post("/api/v1/users", json=BODY | {"password": WEAK})

    error = refused(answer)
    assert error["details"]["suggestions"]
    assert WEAK not in answer.text


async def test_a_new_password_is_judged_by_what_is_known_of_its_owner(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("auditor", username="sita.sharma")
    headers = {"If-Match": f'"{user["version"]}"'}
    admin = stage.client(Role.SUPER_ADMIN)
    path = f"/api/v1/users/{user['user_id']}"

    refused(await admin.put(path, json={"password": WEAK}, headers=headers))
    refused(await admin.put(path, json={"password": "sita.sharma99"}, headers=headers))
    body = {"password": "seven marigolds at dusk"}
    assert (await admin.put(path, json=body, headers=headers)).status_code == 200


async def test_staff_choose_a_password_their_appointer_does_not_know(
    stage: Stage, a_user: Appointing
) -> None:
    """Issue 4: signing in is what only its owner can do."""
    user = await a_user("auditor", username="maya")
    first = user["initial_password"]
    here, elsewhere = [await signed_in(stage, "maya", first) for _ in range(2)]
    path, chosen = "/api/v1/users/me/password", "seven marigolds at dusk"

    wrong = await here.put(path, json={"current_password": "another", "password": chosen})
    weak = await here.put(path, json={"current_password": first, "password": WEAK})
    changed = await here.put(path, json={"current_password": first, "password": chosen})

    assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "WRONG_PASSWORD")
    refused(weak)
    assert changed.json()["data"] == {"ended": 1}
    assert (await here.get("/api/v1/users/me")).status_code == 200

    async def is_signed_out() -> bool:
        return (await elsewhere.get("/api/v1/users/me")).status_code == 401

    await until(is_signed_out)
    assert (await a_try(stage, "maya", first)).status_code == 400
    assert (await a_try(stage, "maya", chosen)).status_code == 200


async def test_a_stolen_token_is_no_way_to_guess_the_password(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("auditor", username="maya")
    thief = await signed_in(stage, "maya", user["initial_password"])
    body = {"current_password": "guess", "password": "seven marigolds at dusk"}

    answers = [await thief.put("/api/v1/users/me/password", json=body) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [403] * 10 + [429]


async def a_try(stage: Stage, username: str, password: str) -> httpx2.Response:
    form = {"grant_type": "password", "username": username, "password": password}
    return await stage.client().post("/oauth/token", data=form)


async def signed_in(stage: Stage, username: str, password: str) -> httpx2.AsyncClient:
    answer = await a_try(stage, username, password)
    client = stage.client()
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client
