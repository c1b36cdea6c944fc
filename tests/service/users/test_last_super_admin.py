"""Somebody is always left who may appoint everybody, everywhere."""

import asyncio
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.models import User
from tests.service.users.conftest import Appointing

USERS = "/api/v1/users"


async def first(stage: Stage) -> int:
    async with stage.uow.read() as tx:
        query = select(User.user_id).where(User.role == Role.SUPER_ADMIN)
        return (await tx.session.scalars(query)).one()


async def change(stage: Stage, user_id: int, *, by: int, **body: Any) -> httpx2.Response:
    client = stage.client(Role.SUPER_ADMIN, f"user:{by}")
    return await client.put(f"{USERS}/{user_id}", json=body, headers={"If-Match": '"1"'})


@pytest.mark.parametrize(
    "less", [{"role": "citizen"}, {"role": "country_admin"}, {"scope": {"projects": ["road"]}}]
)
async def test_the_last_one_does_not_cease_to_be_one(
    stage: Stage, a_user: Appointing, less: dict[str, Any]
) -> None:
    alone = await first(stage)
    await a_user("super_admin", phone="9811111111", scope={"projects": ["road"]})
    refused = await change(stage, alone, by=alone, **less)
    await a_user("super_admin")
    done = await change(stage, alone, by=alone, **less)

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "LAST_SUPER_ADMIN")
    assert done.status_code == 200, done.text


async def test_who_administers_everything_is_renamed_like_anybody(stage: Stage) -> None:
    alone = await first(stage)
    answer = await change(stage, alone, by=alone, name="Maya Rai")

    assert answer.json()["data"]["name"] == "M*** R***"


async def test_of_two_who_demote_each_other_at_once_one_stays(
    stage: Stage, a_user: Appointing
) -> None:
    one, other = await first(stage), (await a_user("super_admin"))["user_id"]
    answers = await asyncio.gather(
        change(stage, one, by=other, role="auditor"), change(stage, other, by=one, role="auditor")
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await first(stage) in {one, other}


async def test_of_two_who_erase_each_other_at_once_one_stays(
    stage: Stage, a_user: Appointing
) -> None:
    one, other = await first(stage), (await a_user("super_admin"))["user_id"]

    async def erase(whom: int, *, by: int) -> int:
        client = stage.client(Role.SUPER_ADMIN, f"user:{by}")
        reason = {"reason": "left_employment"}
        return (await client.delete(f"{USERS}/{whom}", params=reason)).status_code

    assert sorted(await asyncio.gather(erase(one, by=other), erase(other, by=one))) == [202, 409]
