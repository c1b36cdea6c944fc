import asyncio
from typing import Any

import httpx2
import pytest
from pyotp import TOTP

from libs.common.contracts.audit import AuditRecorded
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from libs.common.tokens import Verifier
from services.users.app import PASSWORD_FILE, SECRET_FILE
from services.users.domain.passwords import IN_LINE, Passwords
from services.users.domain.people import opened
from services.users.models import Act
from services.users.repository.people import UserRepository
from tests.service.users.conftest import Appointing

PASSWORD = "correct-horse-battery"


async def sign_in(stage: Stage, username: str, password: str) -> httpx2.Response:
    form = {"grant_type": "password", "username": username, "password": password}
    return await stage.client().post("/oauth/token", data=form)


async def test_a_guest_gets_a_token_that_says_who_they_are(stage: Stage) -> None:
    answer = await stage.client().post("/api/v1/auth/guest", json={"locale": "en"})

    assert answer.status_code == 201
    data = answer.json()["data"]
    principal = Verifier(stage.service.keys, "gateway").verify(data["access_token"])
    assert principal.id == data["guest_id"]
    assert principal.role is Role.GUEST
    assert principal.session
    assert data["expires_in"] == 24 * 3600
    assert answer.headers["cache-control"] == "no-store"


async def test_a_guest_needs_no_body(stage: Stage) -> None:
    assert (await stage.client().post("/api/v1/auth/guest")).status_code == 201


async def test_two_guests_with_one_idempotency_key_are_two_guests(stage: Stage) -> None:
    """A kept token would be handed to a stranger who guesses the key."""
    headers = {"Idempotency-Key": "same"}
    answers = [await stage.client().post("/api/v1/auth/guest", headers=headers) for _ in range(2)]

    assert len({answer.json()["data"]["guest_id"] for answer in answers}) == 2


async def test_the_published_key_is_the_one_tokens_are_signed_with(stage: Stage) -> None:
    answer = await stage.client().get("/.well-known/jwks.json")

    [key] = answer.json()["keys"]
    assert key["kid"] == stage.users.public_jwk["kid"]
    assert "d" not in key


async def test_staff_sign_in_with_a_form_and_get_the_bare_answer(
    stage: Stage, a_user: Appointing
) -> None:
    """S0-27, S4-18."""
    user = await a_user(username="sita", password=PASSWORD, scope={"projects": ["road"]})

    answer = await sign_in(stage, "SITA", PASSWORD)

    assert answer.status_code == 200
    assert set(answer.json()) == {
        "access_token", "token_type", "expires_in", "refresh_token", "session_id",
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    principal = Verifier(stage.service.keys, "grievance").verify(answer.json()["access_token"])
    assert principal.id == f"user:{user['user_id']}"
    assert principal.role is Role.INTAKE_OFFICER
    assert principal.scope.projects == ("road",)
    rows = [row for row in await stage.said(AuditRecorded) if row.target == principal.id]
    assert [row.act for row in rows] == [Act.USER_CREATED, Act.PASSWORD_SET, Act.SIGNED_IN]


async def test_staff_without_a_username_sign_in_with_their_phone_in_any_spelling(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user()

    answer = await sign_in(stage, "+977 981-2345678", user["initial_password"])

    assert answer.status_code == 200


async def test_after_a_new_phone_number_the_new_one_signs_in(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user()
    await stage.client(Role.SUPER_ADMIN).put(
        f"/api/v1/users/{user['user_id']}",
        json={"phone_number": "9811111111"},
        headers={"If-Match": '"1"'},
    )

    assert (await sign_in(stage, "9811111111", user["initial_password"])).status_code == 200
    assert (await sign_in(stage, "9812345678", user["initial_password"])).status_code == 400


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "nobody", "password": PASSWORD}, "invalid_grant"),
        ({"grant_type": "password", "username": "sita", "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "password", "username": "sita"}, "invalid_request"),
        ({"username": "sita", "password": PASSWORD}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "x" * 300, "password": "y"}, "invalid_request"),
        (
            {"grant_type": "password", "username": ["a", "b"], "password": PASSWORD},
            "invalid_request",
        ),
        ({"grant_type": "password", "username": "a\0b", "password": "\0"}, "invalid_grant"),
    ],
)
async def test_a_refusal_is_what_rfc_6749_says(
    stage: Stage, a_user: Appointing, form: dict[str, Any], error: str
) -> None:
    await a_user(username="sita", password=PASSWORD)

    answer = await stage.client().post("/oauth/token", data=form)

    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == error


async def test_json_is_no_form(stage: Stage) -> None:
    body = {"grant_type": "password", "username": "sita", "password": PASSWORD}
    answer = await stage.client().post("/oauth/token", json=body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_citizen_made_of_an_officer_signs_in_no_more(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user(username="sita", password=PASSWORD)
    await stage.client(Role.SUPER_ADMIN).put(
        f"/api/v1/users/{user['user_id']}", json={"role": "citizen"}, headers={"If-Match": "*"}
    )
    changed = await stage.client(Role.SUPER_ADMIN).put(
        f"/api/v1/users/{user['user_id']}", json={"role": "citizen"}, headers={"If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text

    assert (await sign_in(stage, "sita", PASSWORD)).json()["error"] == "invalid_grant"


async def test_a_login_tried_too_often_rests_also_for_the_right_password(
    stage: Stage, a_user: Appointing
) -> None:
    await a_user(username="sita", password=PASSWORD)

    wrong = await asyncio.gather(*(sign_in(stage, "sita", f"wrong-{n}") for n in range(14)))
    right = await sign_in(stage, "sita", PASSWORD)

    assert sorted(answer.status_code for answer in wrong) == [400] * 10 + [429] * 4
    assert right.status_code == 429
    assert right.headers["retry-after"]
    assert (await sign_in(stage, "admin", "wrong")).status_code == 400


async def test_a_crowd_that_signs_in_is_told_to_come_back_and_costs_nobody_a_try(
    stage: Stage, a_user: Appointing
) -> None:
    """Issue 4, abuse: what would be late is refused at once, and is no failure of the service."""
    await a_user(username="sita", password=PASSWORD)
    passwords: Passwords = stage.app.state.passwords
    passwords._in_line = IN_LINE
    crowd = [await sign_in(stage, "sita", PASSWORD) for _ in range(12)]
    passwords._in_line = 0

    answers = {(each.status_code, each.json()["error"]) for each in crowd}
    assert answers == {(429, "temporarily_unavailable")}
    assert {each.headers["retry-after"] for each in crowd} == {"2"}
    assert (await sign_in(stage, "sita", PASSWORD)).status_code == 200


async def test_signing_in_clears_what_was_counted(stage: Stage, a_user: Appointing) -> None:
    await a_user(username="sita", password=PASSWORD)
    for _ in range(3):
        for n in range(8):
            await sign_in(stage, "sita", f"wrong-{n}")
        assert (await sign_in(stage, "sita", PASSWORD)).status_code == 200


async def test_the_first_start_appoints_an_administrator_once(stage: Stage) -> None:
    file = stage.service.settings.shared.data_dir / PASSWORD_FILE
    assert file.stat().st_mode & 0o777 == 0o600

    form = {
        "grant_type": "password",
        "username": "admin",
        "password": file.read_text().strip(),
        "otp": TOTP((file.parent / SECRET_FILE).read_text().strip()).now(),
    }
    answer = await stage.client().post("/oauth/token", data=form)

    principal = Verifier(stage.service.keys, "users").verify(answer.json()["access_token"])
    assert principal.role is Role.SUPER_ADMIN
    async with stage.uow.read() as tx:
        assert await UserRepository(tx.session).has_super_admin()
        user = await UserRepository(tx.session).get(1)
        assert (await opened(tx, user)).name == "Administrator"


@pytest.mark.parametrize("path", ["/api/v1/auth/guest", "/oauth/token"])
async def test_a_large_body_is_refused(stage: Stage, path: str) -> None:
    answer = await stage.client().post(path, content=b"x" * 20_000)

    assert answer.status_code in {413, 415}
    assert answer.json()["status"] == "error"
