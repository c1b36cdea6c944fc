"""Who may watch a file: whose it is, who may see its case, and nobody one of a SEAH case."""

import httpx2

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.files.conftest import lets_in, upload

CASE = "GRV-2026-7K3MQX-4"
MISSING = "404 FILE_NOT_FOUND"


async def ask(stage: Stage, file_id: str, token: str | None) -> httpx2.Response:
    async with stage.peer("gateway", for_token=token) as gateway:
        return await gateway.get(f"/internal/watch/{file_id}")


def code(answer: httpx2.Response) -> str:
    return f"{answer.status_code} {answer.json()['error']['code']}"


def filed(file_id: str) -> GrievanceSubmitted:
    return GrievanceSubmitted(
        grievance_id=CASE, channel="web", filed_by="guest-1", has_contact=False, file_ids=[file_id]
    )


async def test_a_file_is_watched_by_its_owner_and_by_who_may_see_its_case(stage: Stage) -> None:
    """Design 4; security row 38."""
    async with stage.client(Role.GUEST, "guest-1") as guest:
        file_id = await upload(guest)
    owner, officer = stage.token(Role.GUEST, "guest-1"), stage.token(Role.GRC_MEMBER)
    alone = [await ask(stage, file_id, token) for token in (owner, officer, None)]
    await stage.say(filed(file_id))
    lets_in(stage, CASE, Role.GRC_MEMBER)
    in_case = [
        await ask(stage, file_id, token)
        for token in (owner, officer, stage.token(Role.GUEST, "guest-2"))
    ]

    assert alone[0].json()["data"] == {"id": file_id}
    assert [code(answer) for answer in alone[1:]] == [MISSING, MISSING]
    assert [answer.json().get("data") for answer in in_case[:2]] == [{"id": file_id}] * 2
    assert code(in_case[2]) == MISSING
    assert code(await ask(stage, "none", owner)) == MISSING


async def test_a_file_of_a_seah_case_is_watched_by_nobody(stage: Stage) -> None:
    """Design 3: never into pushes."""
    async with stage.client(Role.GUEST, "guest-1") as guest:
        file_id = await upload(guest)
    await stage.say(filed(file_id), restricted=True)
    lets_in(stage, CASE, Role.SEAH_HQ_OFFICER, Role.GUEST)
    tokens = [stage.token(Role.GUEST, "guest-1"), stage.token(Role.SEAH_HQ_OFFICER)]

    assert [code(await ask(stage, file_id, token)) for token in tokens] == [MISSING, MISSING]
