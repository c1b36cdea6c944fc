"""Issue 4: how long what is kept is kept, as data."""

from datetime import timedelta

from prometheus_client import REGISTRY
from sqlalchemy import func, select, update

from libs.common.clock import utc_now
from libs.common.contracts.audit import AuditRecorded
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.app import tidy
from services.users.models import RetentionRule, Reveal, Session
from tests.service.users.conftest import Appointing

RULES = "/api/v1/retention-rules"
PASSWORD = "lamp-orchid-7-gravel-sun"


async def test_every_kind_has_a_rule_and_a_super_admin_changes_it(stage: Stage) -> None:
    admin = stage.client(Role.SUPER_ADMIN)
    before = {rule["kind"]: rule for rule in (await admin.get(RULES)).json()["data"]}

    for days in (3, 5):
        changed = await admin.put(f"{RULES}/exports", json={"keep_days": days})
        assert changed.status_code == 200, changed.text

    after = {rule["kind"]: rule for rule in (await admin.get(RULES)).json()["data"]}
    assert before.keys() == {
        "otp_challenges", "ended_sessions", "reveals", "exports",
        "guest_chats", "seah_guest_chats", "guest_files",
    }  # fmt: skip
    assert (before["exports"]["keep_days"], before["exports"]["is_default"]) == (7, True)
    assert (after["exports"]["keep_days"], after["exports"]["is_default"]) == (5, False)
    told = [fact for fact in await stage.said(AuditRecorded) if fact.act == "retention_changed"]
    assert [(fact.target, fact.details) for fact in told] == [
        ("retention:exports", {"keep_days": 3}),
        ("retention:exports", {"keep_days": 5}),
    ]


async def test_the_services_that_keep_something_are_told_how_long(stage: Stage) -> None:
    await stage.client(Role.SUPER_ADMIN).put(f"{RULES}/guest_chats", json={"keep_days": 14})

    answer = await stage.peer("chat").get("/internal/retention-rules")

    days = {rule["kind"]: rule["keep_days"] for rule in answer.json()["data"]}
    assert (days["guest_chats"], days["seah_guest_chats"], days["guest_files"]) == (14, 30, 30)
    asked = await stage.client(Role.SUPER_ADMIN).get("/internal/retention-rules")
    assert asked.status_code == 403


async def test_nobody_else_changes_a_rule(stage: Stage) -> None:
    body = {"keep_days": 3}
    for role in (Role.CITIZEN, Role.INTAKE_OFFICER, Role.PROJECT_ADMIN):
        answer = await stage.client(role).put(f"{RULES}/exports", json=body)
        assert answer.status_code == 403


async def test_what_is_no_rule_is_refused(stage: Stage) -> None:
    admin = stage.client(Role.SUPER_ADMIN)

    assert (await admin.put(f"{RULES}/exports", json={"keep_days": 0})).status_code == 422
    assert (await admin.put(f"{RULES}/grudges", json={"keep_days": 3})).status_code == 404


async def test_photos_that_may_still_be_filed_are_kept(stage: Stage) -> None:
    """A talk lives a day, and what was confirmed in it may wait for grievance longer."""
    admin = stage.client(Role.SUPER_ADMIN)
    short = await admin.put(f"{RULES}/guest_files", json={"keep_days": 6})
    least = await admin.put(f"{RULES}/guest_files", json={"keep_days": 7})
    async with stage.uow.begin() as tx:
        await tx.session.execute(update(RetentionRule).values(keep_days=1))
    told = await stage.peer("files").get("/internal/retention-rules")

    assert (short.status_code, least.status_code) == (422, 200)
    assert short.json()["error"]["message"] == "This is kept for 7 days at least."
    days = {rule["kind"]: rule["keep_days"] for rule in told.json()["data"]}
    assert days["guest_files"] == 7


async def test_sessions_that_ended_are_kept_as_long_as_their_rule_says(
    stage: Stage, a_user: Appointing
) -> None:
    await a_user("intake_officer", username="sita.sharma", password=PASSWORD)
    form = {"grant_type": "password", "username": "sita.sharma", "password": PASSWORD}
    assert (await stage.client().post("/oauth/token", data=form)).status_code == 200
    async with stage.uow.begin() as tx:
        ended = utc_now() - timedelta(days=5)
        values = {"ended_at": ended, "expires_at": ended, "created_at": ended}
        await tx.session.execute(update(Session).values(values))

    async def sessions() -> int:
        async with stage.uow.read() as tx:
            return int(await tx.session.scalar(select(func.count()).select_from(Session)) or 0)

    archives = stage.app.state.archives
    await tidy(stage.uow, archives)
    kept = await sessions()
    admin = stage.client(Role.SUPER_ADMIN)
    await admin.put(f"{RULES}/ended_sessions", json={"keep_days": 4})
    await tidy(stage.uow, archives)

    assert (kept, await sessions()) == (1, 0)


async def test_looks_at_data_are_forgotten_after_their_time(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    now = utc_now()
    async with stage.uow.begin() as tx:
        for number, days in enumerate((364, 366)):
            tx.session.add(
                Reveal(
                    reveal_id=str(number), user_id=user["user_id"], by="user:1", reason="x",
                    fields=[], restricted=False, asked_at=now - timedelta(days=days),
                )
            )  # fmt: skip

    labels = {"service": "users", "kind": "reveals"}
    before = REGISTRY.get_sample_value("redress_purged_total", labels) or 0.0

    await tidy(stage.uow, stage.app.state.archives)

    async with stage.uow.read() as tx:
        assert (await tx.session.scalars(select(Reveal.reveal_id))).all() == ["0"]
    assert REGISTRY.get_sample_value("redress_purged_total", labels) == before + 1
