"""Issue 4, must show 5, within users: somebody is erased, and a row that says no more stays."""

import pytest
from sqlalchemy import func, select, text

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.users import SessionRevoked, UserErased
from libs.common.crypto.sealing import SubjectKey
from libs.common.db.vault import Erased
from libs.common.principal import Role, Scope
from libs.common.testing.stage import Stage
from services.users.domain import placing
from services.users.models import Base, Session, User
from services.users.repository.people import UserRepository
from tests.service.users.conftest import PHONE, Appointing

PERSON_ASKED = {"reason": "person_asked"}
EMAIL = "erasable.sita@example.org"


async def a_citizen(a_user: Appointing) -> int:
    made = await a_user("citizen", email=EMAIL, address="Erasable Tole 7")
    return int(made["user_id"])


async def erase(stage: Stage, user_id: int) -> int:
    client = stage.client(Role.CITIZEN, f"user:{user_id}")
    return (await client.delete("/api/v1/users/me")).status_code


async def test_of_whoever_erases_themselves_only_a_number_and_a_role_stay(
    stage: Stage, a_user: Appointing
) -> None:
    """S4-18."""
    user_id = await a_citizen(a_user)
    async with stage.uow.read() as tx:
        before = await UserRepository(tx.session).get(user_id)
        key = await tx.vault.key(f"user:{user_id}")
    assert isinstance(key, SubjectKey)
    assert key.open("users.email", str(user_id), before.email or b"") == EMAIL

    assert await erase(stage, user_id) == 202

    async with stage.uow.read() as tx:
        user = await UserRepository(tx.session).get(user_id)
        with pytest.raises(Erased):
            await tx.vault.key(user.principal_id)
        table = stage.uow.ground.data_keys
        query = select(table.c.wrapped).where(table.c.user_id == user_id)
        assert (await tx.session.scalars(query)).all() == [b""]
    assert user.erased_at is not None
    assert user.role == "citizen"
    sealed = [user.phone_number, user.name, user.email, user.address, user.municipality]
    indexes = [user.phone_index, user.email_index, user.national_id_index]
    assert sealed + indexes == [None] * 8
    assert [event.user_id for event in await stage.said(UserErased)] == [user_id]


async def test_where_somebody_worked_goes_with_them(stage: Stage, a_user: Appointing) -> None:
    """Issue 4: the words of a scope are sealed with the person's key, and blanked besides."""
    user_id = (await a_user(scope={"projects": ["road"]}))["user_id"]
    async with stage.uow.read() as tx:
        before = await UserRepository(tx.session).get(user_id)
        assert await placing.works_in(tx, before) == Scope(("road",))
    admin = stage.client(Role.SUPER_ADMIN)
    left = await admin.delete(f"/api/v1/users/{user_id}", params=PERSON_ASKED)

    assert left.status_code == 202
    async with stage.uow.read() as tx:
        assert (await UserRepository(tx.session).get(user_id)).scope is None
        with pytest.raises(Erased):
            await placing.works_in(tx, before)


async def test_nobody_finds_whoever_was_erased_and_their_phone_is_free(
    stage: Stage, a_user: Appointing
) -> None:
    user_id = await a_citizen(a_user)
    await erase(stage, user_id)
    admin = stage.client(Role.SUPER_ADMIN)

    found = await admin.post("/api/v1/users/search", json={"phone_number": PHONE})
    again = await a_user("citizen")

    assert found.json()["data"]["items"] == []
    assert again["user_id"] != user_id
    assert await erase(stage, user_id) == 404


async def test_staff_do_not_erase_themselves(stage: Stage, a_user: Appointing) -> None:
    officer = await a_user("intake_officer")
    client = stage.client(Role.INTAKE_OFFICER, f"user:{officer['user_id']}")

    answer = await client.delete("/api/v1/users/me")

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "STILL_EMPLOYED"


async def test_a_super_admin_erases_others_for_a_reason(stage: Stage, a_user: Appointing) -> None:
    officer = await a_user("intake_officer")
    path = f"/api/v1/users/{officer['user_id']}"
    admin = stage.client(Role.SUPER_ADMIN)

    assert (await admin.delete(path)).status_code == 422
    assert (await admin.delete(path, params={"reason": "just so"})).status_code == 422
    assert (await admin.delete(path, params=PERSON_ASKED)).status_code == 202
    assert (await admin.delete(path, params=PERSON_ASKED)).status_code == 404
    others = stage.client(Role.PROJECT_ADMIN)
    assert (await others.delete(path, params=PERSON_ASKED)).status_code == 403


async def test_the_last_super_admin_stays(stage: Stage, a_user: Appointing) -> None:
    async with stage.uow.read() as tx:
        query = select(User.user_id).where(User.role == Role.SUPER_ADMIN)
        first = (await tx.session.scalars(query)).one()
    admin = stage.client(Role.SUPER_ADMIN)

    refused = await admin.delete(f"/api/v1/users/{first}", params=PERSON_ASKED)

    assert refused.json()["error"]["code"] == "LAST_SUPER_ADMIN"
    await a_user("super_admin")
    again = await admin.delete(f"/api/v1/users/{first}", params=PERSON_ASKED)
    assert again.status_code == 202


async def test_whoever_is_erased_is_signed_out_everywhere(stage: Stage, a_user: Appointing) -> None:
    password = "lamp-orchid-7-gravel-sun"
    made = await a_user("intake_officer", username="sita.sharma", password=password)
    form = {"grant_type": "password", "username": "sita.sharma", "password": password}
    assert (await stage.client().post("/oauth/token", data=form)).status_code == 200
    admin = stage.client(Role.SUPER_ADMIN)

    await admin.delete(f"/api/v1/users/{made['user_id']}", params=PERSON_ASKED)

    assert (await stage.client().post("/oauth/token", data=form)).status_code == 400
    assert len(await stage.said(SessionRevoked)) == 1
    async with stage.uow.read() as tx:
        living = select(func.count()).select_from(Session).where(Session.ended_at.is_(None))
        assert await tx.session.scalar(living) == 0


async def test_an_answer_that_was_kept_about_somebody_erased_is_gone_and_stays_done(
    stage: Stage,
) -> None:
    admin = stage.client(Role.SUPER_ADMIN)
    body = {"phone_number": PHONE, "name": "Sita Sharma", "role": "citizen"}
    keyed = {"Idempotency-Key": "once"}
    made = await admin.post("/api/v1/users", json=body, headers=keyed)
    assert (await admin.post("/api/v1/users", json=body, headers=keyed)).content == made.content
    await erase(stage, made.json()["data"]["user_id"])

    again = await admin.post("/api/v1/users", json=body, headers=keyed)

    assert (again.status_code, again.json()["error"]["code"]) == (410, "REPLY_ERASED")


async def test_a_filing_that_comes_late_makes_somebody_new(
    stage: Stage, a_user: Appointing
) -> None:
    user_id = await a_citizen(a_user)
    await erase(stage, user_id)
    case = "GRV-2026-7K3MQX-4"
    contact = {"name": "Sita Sharma", "phone_number": PHONE}
    stage.peers.answers[f"GET grievance /internal/grievances/{case}/contact"] = contact
    submitted = GrievanceSubmitted(
        grievance_id=case, channel="web", filed_by="g", has_contact=True, file_ids=[]
    )

    await stage.say(submitted, source="grievance")

    async with stage.uow.read() as tx:
        user = await UserRepository(tx.session).get(user_id)
        people = await tx.session.scalar(select(func.count()).select_from(User))
    assert user.phone_index is None
    assert people == 3


async def test_the_audit_log_names_numbers_only(stage: Stage, a_user: Appointing) -> None:
    user_id = await a_citizen(a_user)
    await erase(stage, user_id)

    async with stage.uow.read() as tx:
        rows = [
            str(value)
            for table in Base.metadata.sorted_tables
            for row in await tx.session.execute(text(f'SELECT * FROM "{table.name}"'))  # noqa: S608
            for value in row
        ]
    assert any(f"user:{user_id}" in row for row in rows)
    assert not [row for row in rows if "Sita" in row or EMAIL in row or "97798" in row]
