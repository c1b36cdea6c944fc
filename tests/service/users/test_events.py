"""What users hears: a case was filed, and its contact is taken over."""

import asyncio
from typing import Any

import httpx2

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.users import UserCreated, UserLinked, UserUpdated
from libs.common.events import Envelope
from libs.common.principal import Role
from libs.common.testing.stage import Stage, until
from services.users.domain.people import opened
from services.users.repository.people import UserRepository
from tests.service.users.conftest import NAME, PHONE, Appointing

CASE = "GRV-2026-7K3MQX-4"
OTHER = "GRV-2026-ABCDEF-1"


def submitted(grievance_id: str = CASE, *, has_contact: bool = True) -> GrievanceSubmitted:
    return GrievanceSubmitted(
        grievance_id=grievance_id,
        channel="web",
        filed_by="guest:1",
        has_contact=has_contact,
        file_ids=[],
    )


def question(grievance_id: str) -> str:
    return f"GET grievance /internal/grievances/{grievance_id}/contact"


def says(
    stage: Stage, grievance_id: str = CASE, *, name: str | None = NAME, phone: str | None = PHONE
) -> None:
    """What grievance answers when asked for the contact of a case."""
    stage.peers.answers[question(grievance_id)] = {"name": name, "phone_number": phone}


async def person(stage: Stage, user_id: int) -> dict[str, Any]:
    async with stage.uow.read() as tx:
        found = await opened(tx, await UserRepository(tx.session).get(user_id))
    return {"name": found.name, "phone_number": found.phone_number}


async def drained(stage: Stage) -> None:
    async def is_empty() -> bool:
        return await stage.bus.depth("users") == 0

    await until(is_empty)


async def test_a_complainant_becomes_a_person_and_the_case_is_told(stage: Stage) -> None:
    """design.md 3, personal data."""
    says(stage)
    await stage.say(submitted(), source="grievance")

    [_, created] = await stage.said(UserCreated)
    assert created.role == "citizen"
    assert await stage.said(UserLinked) == [UserLinked(grievance_id=CASE, user_id=created.user_id)]
    assert await person(stage, created.user_id) == {
        "name": NAME,
        "phone_number": "+9779812345678",
    }
    [asked] = stage.peers.asked
    assert asked.headers["authorization"].startswith("Bearer ")


async def test_everything_the_complainant_said_is_kept(stage: Stage) -> None:
    """S1-27, S1-33: full name, phone, e-mail, address and municipality."""
    said = {
        "name": NAME,
        "phone_number": "+9779812345678",
        "email": "sita@example.org",
        "address": "Ward 5",
        "municipality": "Dharan",
    }
    stage.peers.answers[question(CASE)] = said
    await stage.say(submitted(), source="grievance")

    [linked] = await stage.said(UserLinked)
    async with stage.uow.read() as tx:
        row = await UserRepository(tx.session).get(linked.user_id)
        found = await opened(tx, row)
    assert found.said() == said
    search = {"email": "Sita@example.org"}
    answer = await stage.client(Role.SUPER_ADMIN).post("/api/v1/users/search", json=search)
    assert [item["user_id"] for item in answer.json()["data"]["items"]] == [linked.user_id]


async def test_whoever_files_adds_no_way_to_reach_or_be_somebody_who_is_known(
    stage: Stage, a_user: Appointing
) -> None:
    """Reliability 3 row 12: a stranger who knows a number must not get in as its owner."""
    user = await a_user("citizen")
    stage.peers.answers[question(CASE)] = {
        "name": "Somebody Else",
        "phone_number": PHONE,
        "email": "stranger@example.org",
        "address": "Ward 9",
        "municipality": "Dharan",
    }
    await stage.say(submitted(), source="grievance")

    async with stage.uow.read() as tx:
        row = await UserRepository(tx.session).get(user["user_id"])
        found = await opened(tx, row)
    assert (found.name, found.email, found.address) == (NAME, None, "Ward 9")
    assert (row.email_index, row.is_email_proven) == (None, False)


async def test_an_email_address_somebody_filed_with_is_not_proved_by_that(stage: Stage) -> None:
    stage.peers.answers[question(CASE)] = {
        "name": NAME,
        "phone_number": PHONE,
        "email": "stranger@example.org",
    }
    await stage.say(submitted(), source="grievance")

    [linked] = await stage.said(UserLinked)
    async with stage.uow.read() as tx:
        row = await UserRepository(tx.session).get(linked.user_id)
    assert row.email_index is not None
    assert row.is_email_proven is False


async def test_the_same_phone_in_two_cases_is_one_person(stage: Stage) -> None:
    says(stage)
    says(stage, OTHER, name="Somebody Else", phone="+977 98-1234-5678")
    await stage.say(submitted(), source="grievance")
    await stage.say(submitted(OTHER), source="grievance")

    linked = await stage.said(UserLinked)
    assert len({link.user_id for link in linked}) == 1
    assert [link.grievance_id for link in linked] == [CASE, OTHER]
    assert (await person(stage, linked[0].user_id))["name"] == NAME
    assert await stage.said(UserUpdated) == []


async def test_the_same_phone_in_many_cases_at_once_is_one_person(stage: Stage) -> None:
    cases = [f"GRV-2026-AAAAA{n}-1" for n in range(8)]
    for case in cases:
        says(stage, case)
    await asyncio.gather(*(stage.say(submitted(case), source="grievance") for case in cases))

    linked = await stage.said(UserLinked)
    assert sorted(link.grievance_id for link in linked) == cases
    assert len({link.user_id for link in linked}) == 1
    assert len(await stage.said(UserCreated)) == 2
    assert await stage.bus.dead("users") == []


async def test_a_person_known_without_a_name_gets_it(stage: Stage) -> None:
    says(stage, name=None)
    says(stage, OTHER)
    await stage.say(submitted(), source="grievance")
    await stage.say(submitted(OTHER), source="grievance")

    [link, _] = await stage.said(UserLinked)
    assert (await person(stage, link.user_id))["name"] == NAME
    assert await stage.said(UserUpdated) == [UserUpdated(user_id=link.user_id, fields=["name"])]


async def test_an_officer_who_complains_stays_an_officer(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("auditor")
    says(stage)
    await stage.say(submitted(), source="grievance")

    assert (await stage.said(UserLinked))[0].user_id == user["user_id"]
    read = await stage.client(Role.SUPER_ADMIN).get(f"/api/v1/users/{user['user_id']}")
    assert read.json()["data"]["role"] == "auditor"


async def test_a_name_without_a_phone_is_a_person_each_time(stage: Stage) -> None:
    """Two people of one name are two people."""
    says(stage, phone=None)
    says(stage, OTHER, phone=None)
    await stage.say(submitted(), source="grievance")
    await stage.say(submitted(OTHER), source="grievance")

    linked = await stage.said(UserLinked)
    assert len({link.user_id for link in linked}) == 2
    assert await person(stage, linked[0].user_id) == {"name": NAME, "phone_number": None}


async def test_a_redelivered_event_changes_nothing(stage: Stage) -> None:
    says(stage)
    envelope = Envelope.of(submitted(), source="grievance")
    for _ in range(3):
        await stage.publish(envelope)
    await drained(stage)

    assert len(await stage.said(UserLinked)) == 1
    assert len(await stage.said(UserCreated)) == 2


async def test_a_case_without_a_contact_is_not_asked_about(stage: Stage) -> None:
    await stage.publish(Envelope.of(submitted(has_contact=False), source="grievance"))
    await drained(stage)

    assert stage.peers.asked == []
    assert len(await stage.said(UserCreated)) == 1


async def test_a_contact_that_is_gone_or_empty_is_nothing_to_do(stage: Stage) -> None:
    error: dict[str, Any] = {
        "code": "GRIEVANCE_NOT_FOUND",
        "message": "",
        "details": {},
        "request_id": None,
    }
    gone = httpx2.Response(404, json={"status": "error", "error": error})
    stage.peers.answers[question(CASE)] = gone
    says(stage, OTHER, name=None, phone=None)
    await stage.say(submitted(), source="grievance")
    await stage.say(submitted(OTHER), source="grievance")

    assert len(await stage.said(UserCreated)) == 1
    assert await stage.said(UserLinked) == []
    assert await stage.bus.dead("users") == []


async def test_a_peer_that_is_away_is_waited_for(stage: Stage) -> None:
    await stage.publish(Envelope.of(submitted(), source="grievance"))
    await until(lambda: len(stage.peers.asked) >= 4)
    assert await stage.said(UserLinked) == []

    says(stage)

    async def is_linked() -> bool:
        return len(await stage.said(UserLinked)) == 1

    await until(is_linked, seconds=20)
    assert await stage.bus.dead("users") == []


async def test_a_contact_nobody_can_read_is_parked_with_a_code(stage: Stage) -> None:
    """Nothing that failed is dropped in silence, and a dead letter quotes nobody."""
    says(stage, phone="not a phone: Sita")
    await stage.publish(Envelope.of(submitted(), source="grievance"))

    async def is_parked() -> bool:
        return bool(await stage.bus.dead("users"))

    await until(is_parked, seconds=20)
    [letter] = await stage.bus.dead("users")
    assert letter.reason == "INVALID_PHONE_NUMBER"
    assert b"Sita" not in letter.message.body


async def test_what_a_restricted_case_causes_stays_restricted(stage: Stage) -> None:
    """design.md 3: events of SEAH cases travel apart."""
    says(stage)
    await stage.say(submitted(), source="grievance", restricted=True)

    [_, created] = await stage.envelopes(UserCreated)
    [linked] = await stage.envelopes(UserLinked)
    assert (created.restricted, linked.restricted) == (True, True)
