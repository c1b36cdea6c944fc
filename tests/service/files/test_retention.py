"""domain.md, retention: what guests sent to no case is not kept for ever."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from libs.common.clock import utc_now
from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.files import FileDeleted
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.users import GuestBound
from libs.common.principal import Role
from libs.common.testing.stage import RULES, Stage, until
from libs.common.web.retaining import Kept, Retaining, of_users
from services.files.app import create_app
from services.files.domain.erasing import retire
from services.files.models import GROUND, FileAttachment
from services.files.settings import FilesSettings
from tests.service.conftest import Raise
from tests.service.files.conftest import stored_files, upload

GUEST = "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"
OTHER = "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a59"


async def go_round(stage: Stage, *, days: int) -> None:
    stage.peers.answers[f"GET users {RULES}"] = [{"kind": "guest_files", "keep_days": days}]
    kept = Kept("guest_files", partial(retire, store=stage.app.state.store))
    await Retaining(stage.uow, of_users(stage.service.peer("users")), [kept]).go_round()


async def grow_old(stage: Stage, *, days: int) -> None:
    async with stage.uow.begin() as tx:
        then = utc_now() - timedelta(days=days)
        await tx.session.execute(update(FileAttachment).values(created_at=then))


async def test_what_a_guest_sent_to_no_case_goes_after_its_days(stage: Stage) -> None:
    file_id = await upload(stage.client(Role.GUEST, GUEST))
    await grow_old(stage, days=29)
    await go_round(stage, days=30)
    assert len(stored_files(stage)) == 1

    await grow_old(stage, days=31)
    await go_round(stage, days=30)

    assert stored_files(stage) == []
    async with stage.uow.read() as tx:
        keys = await tx.session.scalars(select(GROUND.data_keys.c.subject))
        assert f"file:{file_id}" not in set(keys)
    assert [fact.file_id for fact in await stage.said(FileDeleted)] == [file_id]
    [told] = await stage.said(AuditRecorded)
    assert (told.target, told.details) == ("retention:guest_files", {"count": 1, "keep_days": 30})


async def test_what_is_somebodys_or_of_a_case_stays(stage: Stage) -> None:
    await upload(stage.client(Role.CITIZEN, "user:7"))
    await upload(stage.client(Role.GUEST, GUEST))
    await stage.say(GuestBound(user_id=8, guest_id=GUEST), source="users")
    file_id = await upload(stage.client(Role.GUEST, OTHER))
    submitted = GrievanceSubmitted(
        grievance_id="GRV001", channel="chat", filed_by=OTHER, has_contact=False,
        file_ids=[file_id],
    )  # fmt: skip
    await stage.say(submitted, source="grievance")
    await grow_old(stage, days=400)

    await go_round(stage, days=1)

    assert len(stored_files(stage)) == 3
    assert await stage.said(AuditRecorded) == []


async def test_a_service_that_runs_asks_and_forgets_by_itself(
    raise_stage: Raise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.web.service.RETAIN_SECONDS", 0.02)
    stage = await raise_stage("files", create_app, FilesSettings)
    await upload(stage.client(Role.GUEST, GUEST))
    await grow_old(stage, days=31)
    stage.peers.answers[f"GET users {RULES}"] = [{"kind": "guest_files", "keep_days": 30}]

    async def told() -> list[AuditRecorded]:
        return await stage.said(AuditRecorded)

    await until(told)

    assert stored_files(stage) == []
