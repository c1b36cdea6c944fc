import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.users import SessionRevoked
from libs.common.principal import Level, Role
from libs.common.testing.stage import Stage
from libs.common.tokens import Verifier
from services.users.app import create_app
from services.users.models import Act, principal_of
from services.users.settings import UsersSettings
from tests.service.users.conftest import Appointing

NATIONAL_ID = "12-01-75-01234"
NAME = "Sita Devi Sharma"
CORE = "http://core.test"
CHECK = "POST core.test /identities/check"


async def admitted(stage: Stage) -> dict[str, Any]:
    data: dict[str, Any] = (await stage.client().post("/api/v1/auth/guest")).json()["data"]
    return data


async def claim(
    stage: Stage,
    national_id: str = NATIONAL_ID,
    full_name: str = NAME,
    *,
    token: str | None = None,
) -> httpx2.Response:
    token = token or (await admitted(stage))["access_token"]
    body = {"national_id": national_id, "full_name": full_name}
    headers = {"Authorization": f"Bearer {token}"}
    return await stage.client().post("/api/v1/auth/identify", json=body, headers=headers)


@pytest.fixture
async def sita(stage: Stage, a_user: Appointing) -> int:
    user = await a_user("citizen", name=NAME, national_id=NATIONAL_ID)
    return int(user["user_id"])


@pytest.mark.parametrize(
    ("national_id", "name"),
    [
        (NATIONAL_ID, NAME),
        ("12 01 75 01234", "sharma  SITA devi"),
        ("१२-०१-७५-०१२३४", "Sharma, Sita Devi"),
    ],
)
async def test_id_and_name_in_whatever_spelling_identify_a_guest(
    stage: Stage, sita: int, national_id: str, name: str
) -> None:
    """S4-06, C28."""
    guest = await admitted(stage)
    answer = await claim(stage, national_id, name, token=guest["access_token"])

    data = answer.json()["data"]
    assert (data["level"], data["checked_by"]) == ("identified", "vault")
    assert answer.headers["cache-control"] == "no-store"
    principal = Verifier(stage.service.keys, "gateway").verify(data["access_token"])
    assert (principal.id, principal.level) == (guest["guest_id"], Level.IDENTIFIED)
    assert principal.role is Role.GUEST
    said = [fact for fact in await stage.said(AuditRecorded) if fact.act == Act.IDENTIFIED]
    assert [(fact.who, fact.target) for fact in said] == [(guest["guest_id"], principal_of(sita))]


async def test_one_session_becomes_one_other_however_often_it_is_asked_at_once(
    stage: Stage, sita: int
) -> None:
    """Issue 4, levels: who has proved more meanwhile is not handed a guest's token again."""
    guest = await admitted(stage)
    answers = await asyncio.gather(*(claim(stage, token=guest["access_token"]) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_whoever_is_identified_has_a_new_session_and_the_old_one_is_over(
    stage: Stage, sita: int
) -> None:
    """Reliability 3: no session is fixed before the proof."""
    guest = await admitted(stage)
    verifier = Verifier(stage.service.keys, "gateway")
    old = verifier.verify(guest["access_token"])
    answer = await claim(stage, token=guest["access_token"])
    new = verifier.verify(answer.json()["data"]["access_token"])

    assert new.session not in {"", old.session}
    assert old.session in {fact.session_id for fact in await stage.said(SessionRevoked)}


async def test_a_wrong_name_and_an_unknown_id_are_answered_alike(stage: Stage, sita: int) -> None:
    """C28: which of the two was wrong is not said."""
    wrong_name = await claim(stage, full_name="Gita Devi Sharma")
    unknown_id = await claim(stage, national_id="99-99-99-99999")

    assert wrong_name.json() == unknown_id.json()
    assert wrong_name.json()["data"] == {
        "level": "claimed", "checked_by": None, "access_token": None, "expires_in": None,
    }  # fmt: skip


async def test_part_of_a_name_is_not_the_name(stage: Stage, sita: int) -> None:
    assert (await claim(stage, full_name="Sita")).json()["data"]["level"] == "claimed"


async def test_a_claim_leaves_the_guest_who_they_were(stage: Stage) -> None:
    await claim(stage)

    assert await stage.said(SessionRevoked) == []


async def test_an_id_is_tried_five_times_an_hour_whoever_tries_it(stage: Stage) -> None:
    """Known or not: the sixth guess learns nothing."""
    for number in range(5):
        assert (await claim(stage, full_name=f"Somebody {number}")).status_code == 200
    answer = await claim(stage)

    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "IDENTIFY_RESTS"
    assert answer.headers["retry-after"] == "3600"


async def test_a_caller_tries_five_times_an_hour_whatever_id_they_try(stage: Stage) -> None:
    token = (await admitted(stage))["access_token"]
    found = [
        (await claim(stage, f"12-01-75-0000{number}", token=token)).status_code
        for number in range(6)
    ]

    assert found == [200] * 5 + [429]


async def test_who_has_signed_in_is_known_better(stage: Stage) -> None:
    answer = await claim(stage, token=stage.token(Role.CITIZEN, "user:1"))

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "ALREADY_AUTHENTICATED"


async def test_nobody_claims_without_a_token(stage: Stage) -> None:
    body = {"national_id": NATIONAL_ID, "full_name": NAME}

    assert (await stage.client().post("/api/v1/auth/identify", json=body)).status_code == 401


class TestWithACoreBusinessSystem:
    @pytest.fixture
    async def stage(self, raise_stage: Callable[..., Awaitable[Stage]]) -> Stage:
        return await raise_stage(
            "users", create_app, UsersSettings, argon_memory_kib=64, core_business_url=CORE
        )

    async def test_whom_the_vault_does_not_know_it_is_asked_for(self, stage: Stage) -> None:
        stage.peers.answers[CHECK] = lambda _: httpx2.Response(200, json={"matches": True})
        answer = await claim(stage)

        assert answer.json()["data"]["checked_by"] == "core"
        assert answer.json()["data"]["access_token"]
        [asked] = [each for each in stage.peers.asked if each.url.host == "core.test"]
        assert "authorization" not in asked.headers

    @pytest.mark.parametrize(
        "said",
        [
            httpx2.Response(200, json={"matches": False}),
            httpx2.Response(200, json={"something": "else"}),
            httpx2.Response(200, content=b"<html>"),
            httpx2.Response(404, json={"matches": True}),
            httpx2.Response(503),
        ],
    )
    async def test_what_it_does_not_confirm_stays_a_claim(
        self, stage: Stage, said: httpx2.Response
    ) -> None:
        stage.peers.answers[CHECK] = lambda _: said

        assert (await claim(stage)).json()["data"]["level"] == "claimed"
