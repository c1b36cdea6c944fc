"""Whom a restricted case names is a person of that case alone."""

from typing import Any

import pytest

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.users import UserErased, UserLinked, UserUpdated
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.domain.people import Person, opened
from services.users.repository.people import UserRepository
from tests.service.users.conftest import PHONE, Appointing, shares_a_case
from tests.service.users.test_two_phones import give, prove

USERS = "/api/v1/users"
SEAH_CASE, CASE = "GRV-2026-7K3MQX-4", "GRV-2026-ABCDEF-1"
SAID = {"name": "Sita Hidden", "phone_number": f"+977{PHONE}", "address": "House 9"}


async def files(
    stage: Stage, grievance_id: str, *, by: str = "guest:1", restricted: bool = True, **said: Any
) -> int:
    """A case with a contact is filed; answer whom the vault says it is about."""
    answers = stage.peers.answers
    answers[f"GET grievance /internal/grievances/{grievance_id}/contact"] = SAID | said
    submitted = GrievanceSubmitted(
        grievance_id=grievance_id, channel="web", filed_by=by, has_contact=True, file_ids=[]
    )
    await stage.say(submitted, source="grievance", restricted=restricted)
    return (await stage.said(UserLinked))[-1].user_id


async def person(stage: Stage, user_id: int) -> tuple[Person, int]:
    async with stage.uow.read() as tx:
        user = await UserRepository(tx.session).get(user_id)
        return await opened(tx, user), user.version


async def test_it_writes_nothing_into_who_is_known(stage: Stage, a_user: Appointing) -> None:
    """Reliability 3 row 43."""
    known = (await a_user("citizen"))["user_id"]
    before = await person(stage, known)

    named = await files(stage, SEAH_CASE)

    assert named != known
    assert await person(stage, known) == before
    assert await stage.said(UserUpdated) == []
    assert (await person(stage, named))[0] == Person(**SAID)


async def test_an_ordinary_case_does_not_lead_to_them(stage: Stage) -> None:
    apart = await files(stage, SEAH_CASE)
    ordinary = await files(stage, CASE, restricted=False, name="Anybody", address=None)

    assert apart != ordinary
    found = (await person(stage, ordinary))[0]
    assert (found.name, found.address) == ("Anybody", None)


async def test_who_works_the_case_finds_them_by_their_phone(stage: Stage) -> None:
    apart = await files(stage, SEAH_CASE)
    shares_a_case(stage, apart, restricted=True)

    client = stage.client(Role.SEAH_NATIONAL_OFFICER)
    found = await client.post(f"{USERS}/search", json={"phone_number": PHONE})

    assert [each["user_id"] for each in found.json()["data"]["items"]] == [apart]


async def test_who_files_it_signed_in_is_whom_it_names(stage: Stage) -> None:
    user_id = (await prove(stage, phone_number=PHONE, channel="sms"))["user_id"]

    assert await files(stage, SEAH_CASE, by=f"user:{user_id}") == user_id
    assert (await person(stage, user_id))[0].name == SAID["name"]


async def test_who_proves_the_phone_says_how_it_is_safe(stage: Stage) -> None:
    apart = await files(stage, SEAH_CASE)
    user_id = (await prove(stage, phone_number=PHONE, channel="sms"))["user_id"]
    path = f"/internal/users/{apart}/contact-decision?purpose=one_time_code&restricted=true"
    before = (await stage.peer("tasks").get(path)).json()["data"]["may_contact"]

    own = stage.client(Role.CITIZEN, f"user:{user_id}")
    await own.put(
        f"{USERS}/me/preferences", json={"safe_channels": ["sms"]}, headers={"If-Match": '"0"'}
    )
    after = (await stage.peer("tasks").get(path)).json()["data"]

    assert (before, after["may_contact"]) == (False, True)
    assert after["address"] == SAID["phone_number"]


@pytest.mark.parametrize("is_proven", [True, False])
async def test_who_proved_the_phone_takes_them_along_when_erased(
    stage: Stage, a_user: Appointing, is_proven: bool
) -> None:
    apart = await files(stage, SEAH_CASE)
    if is_proven:
        user_id = (await prove(stage, phone_number=PHONE, channel="sms"))["user_id"]
    else:
        user_id = (await a_user("citizen"))["user_id"]

    await stage.client(Role.CITIZEN, f"user:{user_id}").delete(f"{USERS}/me")

    erased = {each.user_id for each in await stage.said(UserErased)}
    assert erased == ({user_id, apart} if is_proven else {user_id})


async def test_nobody_is_told_that_their_phone_is_taken(stage: Stage, a_user: Appointing) -> None:
    await files(stage, SEAH_CASE)
    user_id = (await a_user("citizen", phone="9811111111"))["user_id"]

    assert (await give(stage, user_id, phone_number=PHONE)).status_code == 200


async def test_who_sees_everybody_sees_them_only_by_a_case(stage: Stage) -> None:
    """Also before the case knows them."""
    apart = await files(stage, SEAH_CASE)
    admin = stage.client(Role.SUPER_ADMIN)
    stage.peers.answers["GET grievance /internal/persons/access"] = {"seen": []}

    assert (await admin.get(f"{USERS}/{apart}")).status_code == 404
    found = await admin.post(f"{USERS}/search", json={"phone_number": PHONE})
    assert found.json()["data"]["items"] == []
