"""Two rows that are one person become one."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.users import SessionRevoked, UserMerged
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.domain import sessions
from services.users.domain.people import opened
from services.users.domain.sessions import SessionRules
from services.users.models import Act, Consent, Preference, User
from services.users.repository.people import UserRepository
from tests.service.users.conftest import NAME, PHONE, Appointing, shares_a_case, shares_no_case

USERS = "/api/v1/users"
EMAIL = "sita@example.org"
NATIONAL_ID = "12-01-75-00123"


async def merge(
    stage: Stage,
    gone: dict[str, Any],
    into: dict[str, Any],
    *,
    by: httpx2.AsyncClient | None = None,
    reason: str = "identity_checked",
) -> httpx2.Response:
    client = by or stage.client(Role.SUPER_ADMIN, "user:1")
    body = {"into_user_id": into["user_id"], "reason": reason}
    return await client.post(f"{USERS}/{gone['user_id']}/merge", json=body)


@pytest.fixture
async def two(a_user: Appointing) -> tuple[dict[str, Any], dict[str, Any]]:
    """One with an e-mail address and a national id, and one with a phone that is answered."""
    gone = await a_user("citizen", phone="9811111111", email=EMAIL, national_id=NATIONAL_ID)
    return gone, await a_user("citizen", name="Sita S.", address="Ward 5")


async def test_the_survivor_has_what_they_lacked_and_keeps_what_they_had(
    stage: Stage, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """Issue 4, merge of duplicates."""
    gone, survivor = two
    answer = await merge(stage, gone, survivor)

    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert (data["user_id"], data["email"], data["national_id"]) == (
        survivor["user_id"],
        "s***@example.org",
        "****0123",
    )
    async with stage.uow.read() as tx:
        person = await opened(tx, await UserRepository(tx.session).get(survivor["user_id"]))
    assert (person.name, person.phone_number, person.address) == (
        "Sita S.",
        f"+977{PHONE}",
        "Ward 5",
    )
    assert (person.email, person.national_id) == (EMAIL, NATIONAL_ID)
    admin = stage.client(Role.SUPER_ADMIN)
    for wanted in ({"email": EMAIL}, {"national_id": NATIONAL_ID}):
        found = await admin.post(f"{USERS}/search", json=wanted)
        assert [row["user_id"] for row in found.json()["data"]["items"]] == [survivor["user_id"]]


async def test_a_survivor_without_a_phone_gets_it(stage: Stage, a_user: Appointing) -> None:
    gone = await a_user("citizen")
    survivor = await a_user("citizen", phone="9811111111")
    async with stage.uow.begin() as tx:
        row = await tx.session.get_one(User, survivor["user_id"])
        row.phone_index = row.phone_number = None
        row.version += 1

    assert (await merge(stage, gone, survivor)).status_code == 200

    found = await stage.client(Role.SUPER_ADMIN).post(
        f"{USERS}/search", json={"phone_number": PHONE}
    )
    assert [row["user_id"] for row in found.json()["data"]["items"]] == [survivor["user_id"]]


async def test_of_the_one_that_goes_nothing_remains_but_what_leads_to_whom_they_became(
    stage: Stage, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    gone, survivor = two
    await merge(stage, gone, survivor)

    async with stage.uow.read() as tx:
        row = await tx.session.get_one(User, gone["user_id"])
        keys = await tx.vault.surviving_keys([row.principal_id])
    assert row.merged_into == survivor["user_id"]
    assert {
        getattr(row, name)
        for name in (
            "name", "phone_number", "email", "address", "municipality", "national_id",
            "email_index", "national_id_index",
        )
    } == {None}  # fmt: skip
    assert keys == {}
    for client in (
        stage.client(Role.SUPER_ADMIN),
        stage.client(Role.CITIZEN, f"user:{gone['user_id']}"),
    ):
        assert (await client.get(f"{USERS}/{gone['user_id']}")).status_code == 404


async def test_our_own_programs_are_answered_as_if_they_asked_for_the_survivor(
    stage: Stage, two: tuple[dict[str, Any], dict[str, Any]], a_user: Appointing
) -> None:
    gone, survivor = two
    last = await a_user("citizen", phone="9822222222", name="Sita Sharma")
    await merge(stage, gone, survivor)
    await merge(stage, survivor, last)

    peer = stage.peer("tasks")
    for user in (gone, survivor, last):
        path = f"/internal/users/{user['user_id']}"
        card = (await peer.get(f"{path}/contact")).json()["data"]
        decision = await peer.get(f"{path}/contact-decision?purpose=case_news")
        assert card["phone_masked"] == "+97798****2222"
        assert decision.json()["data"]["user_id"] == last["user_id"]
        assert decision.json()["data"]["address"] == "+9779822222222"


async def test_what_was_agreed_and_what_is_safe_goes_with_them(
    stage: Stage, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    gone, survivor = two
    wanted = {"safe_channels": ["email", "sms"], "code_word": "छाता"}
    for user, said in ((gone, wanted), (survivor, {"safe_channels": ["sms", "phone"]})):
        own = stage.client(Role.CITIZEN, f"user:{user['user_id']}")
        await own.put(f"{USERS}/me/preferences", json=said, headers={"If-Match": '"0"'})
        body = {"purpose": "contact", "is_given": user is gone}
        await own.post(f"{USERS}/me/consents", json=body)

    await merge(stage, gone, survivor)

    own = stage.client(Role.CITIZEN, f"user:{survivor['user_id']}")
    found = (await own.get(f"{USERS}/me/preferences")).json()["data"]
    assert (found["safe_channels"], found["code_word"]) == (["sms"], "छाता")
    consents = (await own.get(f"{USERS}/me/consents")).json()["data"]
    assert [row["is_given"] for row in consents["history"]["items"]] == [False, True]
    async with stage.uow.read() as tx:
        assert await tx.session.get(Preference, gone["user_id"]) is None
        owners = set(await tx.session.scalars(select(Consent.user_id)))
    assert owners == {survivor["user_id"]}


async def test_it_is_told_audited_and_their_sessions_end(
    stage: Stage, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    gone, survivor = two
    async with stage.uow.begin() as tx:
        user = await UserRepository(tx.session).get(gone["user_id"])
        rules = SessionRules.of(stage.service.settings)  # type: ignore[arg-type]
        begun = await sessions.begin(tx, user, role=Role.CITIZEN, method="otp", rules=rules)
    await merge(stage, gone, survivor)

    assert await stage.said(UserMerged) == [
        UserMerged(user_id=gone["user_id"], into_user_id=survivor["user_id"])
    ]
    [revoked] = await stage.said(SessionRevoked)
    assert revoked.session_id == begun.session_id
    [told] = [row for row in await stage.said(AuditRecorded) if row.act == Act.USER_MERGED]
    assert (told.who, told.target, told.reason, told.details) == (
        "user:1",
        f"user:{gone['user_id']}",
        "identity_checked",
        {"into_user_id": survivor["user_id"]},
    )


async def test_the_same_request_with_the_same_key_merges_once(
    stage: Stage, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    gone, survivor = two
    admin = stage.client(Role.SUPER_ADMIN)
    body = {"into_user_id": survivor["user_id"], "reason": "person_said_so"}
    path = f"{USERS}/{gone['user_id']}/merge"
    answers = [
        await admin.post(path, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    again = await admin.post(path, json=body)

    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert again.status_code == 404
    assert len(await stage.said(UserMerged)) == 1


async def test_staff_and_oneself_are_not_merged(stage: Stage, a_user: Appointing) -> None:
    citizen = await a_user("citizen")
    officer = await a_user(phone="9811111111")

    for gone, into in ((citizen, officer), (officer, citizen)):
        answer = await merge(stage, gone, into)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "STAFF_NOT_MERGED")
    itself = await merge(stage, citizen, citizen)
    assert (itself.status_code, itself.json()["error"]["code"]) == (422, "MERGE_INTO_ITSELF")
    nobody = await merge(stage, citizen, {"user_id": 77})
    assert nobody.status_code == 404
    assert (await merge(stage, citizen, officer, reason="because")).status_code == 422
    assert await stage.said(UserMerged) == []


async def test_only_supervisors_who_see_both_merge_them(
    stage: Stage, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    gone, survivor = two
    admin = stage.client(Role.PROJECT_ADMIN)
    shares_a_case(stage, gone["user_id"])
    shares_no_case(stage, survivor["user_id"])

    assert (await merge(stage, gone, survivor, by=admin)).status_code == 404
    shares_a_case(stage, survivor["user_id"])
    officer = stage.client(Role.INTAKE_OFFICER)
    assert (await merge(stage, gone, survivor, by=officer)).status_code == 403
    assert (await merge(stage, gone, survivor, by=admin)).status_code == 200


async def test_possible_duplicates_are_those_with_the_same_email_or_national_id(
    stage: Stage, a_user: Appointing
) -> None:
    one = await a_user("citizen", email=EMAIL)
    two = await a_user("citizen", phone="9811111111", email=EMAIL.upper(), national_id=NATIONAL_ID)
    three = await a_user("citizen", phone="9822222222", national_id="१२०१७५००१२३")
    await a_user("citizen", phone="9833333333")

    async def alike(user: dict[str, Any], role: Role = Role.SUPER_ADMIN) -> list[int]:
        answer = await stage.client(role).get(f"{USERS}/{user['user_id']}/duplicates")
        assert NAME not in answer.text
        return [row["user_id"] for row in answer.json()["data"]]

    assert await alike(one) == [two["user_id"]]
    assert await alike(two) == [one["user_id"], three["user_id"]]
    for user in (one, two):
        shares_a_case(stage, user["user_id"])
    shares_no_case(stage, three["user_id"])
    assert await alike(two, Role.PROJECT_ADMIN) == [one["user_id"]]
