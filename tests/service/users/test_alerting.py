"""Issue 4, alerts: what somebody should look into is counted, by kind and without ids."""

from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import REGISTRY, generate_latest

from libs.common.principal import Role
from libs.common.testing.stage import Stage, until
from services.users.domain import revealing
from services.users.domain.alerting import KINDS
from tests.service.users.conftest import Appointing
from tests.service.users.test_second_factor_grant import sign_in, wrong_code
from tests.service.users.test_sessions import refresh

PASSWORD = "correct-horse-battery"
Does = Callable[[Stage, Appointing], Awaitable[None]]


def counted() -> dict[str, float]:
    return {
        kind: REGISTRY.get_sample_value("redress_users_alerts_total", {"kind": kind}) or 0.0
        for kind in KINDS.values()
    }


async def asks_for_nobody(stage: Stage, _: Appointing) -> None:
    body = {"reason": "legal_request", "fields": ["name"]}
    admin = stage.client(Role.SUPER_ADMIN)
    assert (await admin.post("/api/v1/users/7777/reveal", json=body)).status_code == 404


async def looks_at_four(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    body = {"reason": "legal_request", "fields": ["name"]}
    admin = stage.client(Role.SUPER_ADMIN)
    for _ in range(4):
        path = f"/api/v1/users/{user['user_id']}/reveal"
        assert (await admin.post(path, json=body)).status_code == 200


async def guesses_codes(stage: Stage, _: Appointing) -> None:
    answers = [await sign_in(stage, otp=wrong_code(stage)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429]


async def shows_a_refresh_token_twice(stage: Stage, a_user: Appointing) -> None:
    await a_user(username="sita", password=PASSWORD)
    form = {"grant_type": "password", "username": "sita", "password": PASSWORD}
    token = (await stage.client().post("/oauth/token", data=form)).json()["refresh_token"]
    assert [(await refresh(stage, token)).status_code for _ in range(2)] == [200, 400]


@pytest.mark.parametrize(
    ("does", "is_late", "kinds"),
    [
        (asks_for_nobody, False, {"reveal_denied"}),
        (asks_for_nobody, True, {"reveal_denied", "reveal_off_hours"}),
        (looks_at_four, False, {"reveal_many"}),
        (guesses_codes, False, {"factor_rests"}),
        (shows_a_refresh_token_twice, False, {"refresh_reused"}),
    ],
)
async def test_what_somebody_should_look_into_is_counted_once_by_its_kind(
    stage: Stage,
    a_user: Appointing,
    monkeypatch: pytest.MonkeyPatch,
    does: Does,
    is_late: bool,
    kinds: set[str],
) -> None:
    monkeypatch.setattr(revealing, "is_off_hours", lambda _: is_late)
    before = counted()
    await does(stage, a_user)
    expected = {kind: count + (kind in kinds) for kind, count in before.items()}

    await until(lambda: counted() == expected)
    assert counted() == expected


def test_what_never_happened_is_there_at_nought_and_names_nobody() -> None:
    """A rate is blind to the first of what was not there before."""
    lines = [
        line.rpartition(" ")[0]
        for line in generate_latest().decode().splitlines()
        if line.startswith("redress_users_alerts_total")
    ]
    assert sorted(lines) == sorted(
        f'redress_users_alerts_total{{kind="{kind}"}}' for kind in KINDS.values()
    )
