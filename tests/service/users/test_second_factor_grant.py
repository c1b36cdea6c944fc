"""Signing in with a second factor at the token endpoint (issue 4, levels; reliability 3 row 14)."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from pyotp import TOTP

from libs.common.permissions import GRANTS, Permission
from libs.common.principal import READS_SEAH, Role
from libs.common.testing.stage import Stage
from libs.common.tokens import InvalidToken, Verifier
from services.users.app import PASSWORD_FILE, SECRET_FILE
from services.users.domain import second_factor
from services.users.repository.people import UserRepository
from tests.service.users.conftest import Appointing

PASSWORD = "correct-horse-battery"
MFA = "/api/v1/auth/mfa"


def folder(stage: Stage) -> Path:
    found: Path = stage.service.settings.shared.data_dir
    return found


async def sign_in(stage: Stage, **more: str) -> httpx2.Response:
    """As the first administrator, who has a second factor."""
    password = (folder(stage) / PASSWORD_FILE).read_text().strip()
    form = {"grant_type": "password", "username": "admin", "password": password}
    return await stage.client().post("/oauth/token", data=form | more)


def code_now(stage: Stage) -> str:
    return TOTP((folder(stage) / SECRET_FILE).read_text().strip()).now()


def wrong_code(stage: Stage) -> str:
    totp = TOTP((folder(stage) / SECRET_FILE).read_text().strip())
    near = {totp.at(0, counter_offset=0), totp.now()}
    return next(code for code in ("000000", "111111", "222222") if code not in near)


async def test_the_right_password_alone_is_asked_for_the_second_factor(stage: Stage) -> None:
    answer = await sign_in(stage)

    assert (answer.status_code, answer.json()["error"]) == (400, "mfa_required")
    assert set(answer.json()) == {"error", "error_description"}


async def test_with_the_second_factor_one_is_in(stage: Stage) -> None:
    answer = await sign_in(stage, otp=code_now(stage))

    assert answer.status_code == 200
    principal = Verifier(stage.service.keys, "x").verify(answer.json()["access_token"])
    assert (principal.role, principal.is_half) == (Role.SUPER_ADMIN, False)


async def test_a_code_is_good_once(stage: Stage) -> None:
    code = code_now(stage)
    await sign_in(stage, otp=code)

    again = await sign_in(stage, otp=code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_a_wrong_code_is_refused_with_the_code_of_a_wrong_password(stage: Stage) -> None:
    wrong = await sign_in(stage, otp=wrong_code(stage))
    both = await sign_in(stage, otp=wrong_code(stage), password="wrong")

    for answer in (wrong, both):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_wrong_codes_rest_the_factor(stage: Stage) -> None:
    answers = [await sign_in(stage, otp=wrong_code(stage)) for _ in range(6)]
    right = await sign_in(stage, otp=code_now(stage))

    assert [answer.status_code for answer in answers[:5]] == [400] * 5
    assert (right.status_code, right.json()["error"]) == (429, "temporarily_unavailable")
    assert right.headers["retry-after"]


@pytest.fixture
async def half(stage: Stage, a_user: Appointing) -> dict[str, Any]:
    """What the password of somebody gets whose role needs a second factor they do not have."""
    await a_user("seah_hq_officer", username="maya", password=PASSWORD)
    form = {"grant_type": "password", "username": "maya", "password": PASSWORD}
    answer = await stage.client().post("/oauth/token", data=form)
    assert answer.status_code == 403, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("role", sorted(READS_SEAH | {Role.PROJECT_ADMIN}))
async def test_nobody_reads_seah_cases_or_administers_with_a_password_alone(
    stage: Stage, a_user: Appointing, role: Role
) -> None:
    """S4-19; requirements C28."""
    await a_user(role, username="maya", password=PASSWORD)
    form = {"grant_type": "password", "username": "maya", "password": PASSWORD}
    answer = await stage.client().post("/oauth/token", data=form)

    assert (answer.status_code, answer.json()["error"]) == (403, "mfa_enrolment_required")


async def test_a_role_that_needs_a_second_factor_is_handed_half_a_token(
    stage: Stage, half: dict[str, Any]
) -> None:
    assert half["error"] == "mfa_enrolment_required"
    verifier = Verifier(stage.service.keys, "users")
    principal = verifier.verify(half["mfa_token"], half=True)
    assert principal.is_half
    everything = {each for grants in GRANTS.values() for each in grants}
    assert {each for each in everything if principal.may(each)} == {Permission.FACTOR_ENROL}
    with pytest.raises(InvalidToken):
        verifier.verify(half["mfa_token"])


async def test_half_a_token_opens_nothing_but_the_enrolment(
    stage: Stage, half: dict[str, Any]
) -> None:
    """Reliability 3 row 14: every route of this service, with the token before the factor."""
    client = stage._client(half["mfa_token"])
    opened = []
    for rule in stage.app.state.table.rules:
        if rule.access.permission in {Permission.PUBLIC, Permission.FACTOR_ENROL}:
            continue
        path = rule.template.replace("{user_id}", "1").replace("{", "").replace("}", "")
        for method in rule.methods:
            answer = await client.request(method, path, json={})
            if answer.status_code not in {401, 403}:
                opened.append((method, path, answer.status_code))

    assert opened == []


async def test_half_a_token_is_none_once_there_is_another_password(
    stage: Stage, half: dict[str, Any]
) -> None:
    """Issue 4, tokens: who knew the old password does not enrol a factor of their own with it."""
    client = stage._client(half["mfa_token"])
    proposed = await client.post(f"{MFA}/totp")
    code = TOTP(proposed.json()["data"]["secret"]).now()

    user_id = Verifier(stage.service.keys, "users").verify(half["mfa_token"], half=True).id[5:]
    admin = stage.client(Role.SUPER_ADMIN)
    row = await admin.get(f"/api/v1/users/{user_id}")
    changed = await admin.put(
        f"/api/v1/users/{user_id}",
        json={"password": "another Zebra below a lamp"},
        headers={"If-Match": row.headers["etag"]},
    )
    assert changed.status_code == 200, changed.text

    answers = [
        await client.post(f"{MFA}/totp"),
        await client.post(f"{MFA}/totp/confirm", json={"code": code}),
        await client.post(f"{MFA}/recovery-codes", json={"code": code}),
    ]
    assert [answer.status_code for answer in answers] == [401] * 3


async def test_half_a_token_is_good_for_one_session(stage: Stage, half: dict[str, Any]) -> None:
    client = stage._client(half["mfa_token"])
    proposed = await client.post(f"{MFA}/totp")
    code = TOTP(proposed.json()["data"]["secret"]).now()

    first = await client.post(f"{MFA}/totp/confirm", json={"code": code})
    again = await client.post(f"{MFA}/totp")

    assert (first.status_code, again.status_code) == (200, 401)


async def test_strangers_rest_a_login_and_not_its_person(stage: Stage) -> None:
    """Issue 4, abuse: lock the factor and not the person."""
    async with stage.uow.begin() as tx:
        user = await UserRepository(tx.session).get(1)
        recovery = await second_factor.new_recovery_codes(tx, user)
    for _ in range(11):
        await sign_in(stage, password="wrong", otp="000000")

    rests = await sign_in(stage, otp=code_now(stage))
    made_up = await sign_in(stage, otp="k3mq-x7ab-91fz-0c2d")
    wrong = await sign_in(stage, password="wrong", otp=recovery[0])
    right = await sign_in(stage, otp=recovery[0])
    again = await sign_in(stage, otp=code_now(stage))

    answers = [rests, made_up, wrong, right, again]
    assert [answer.status_code for answer in answers] == [429, 429, 400, 200, 200]


async def test_with_a_recovery_code_a_password_is_not_guessed_either(stage: Stage) -> None:
    async with stage.uow.begin() as tx:
        user = await UserRepository(tx.session).get(1)
        recovery = await second_factor.new_recovery_codes(tx, user)
    answers = [await sign_in(stage, password="wrong", otp=recovery[0]) for _ in range(22)]

    assert [answer.status_code for answer in answers] == [400] * 20 + [429] * 2
