"""domain.md, retention: what guests said, and became nothing, is not kept for ever."""

from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select, update

from libs.common.clock import utc_now
from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.users import GuestBound
from libs.common.principal import Role
from libs.common.testing.stage import RULES, Stage, until
from libs.common.web.retaining import Retaining, of_users
from services.chat.app import RETIRED, create_app
from services.chat.models import Conversation, Filing, FilingState, Message
from services.chat.settings import ChatSettings
from tests.service.chat.conftest import FILE, REFERENCE, Citizen, Meet
from tests.service.conftest import Raise

GUEST = "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"
OTHER = "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a59"
SEAH = "The supervisor touched me and asked for sex."


async def go_round(stage: Stage, **days: int) -> None:
    rules = [{"kind": kind, "keep_days": keep} for kind, keep in days.items()]
    stage.peers.answers[f"GET users {RULES}"] = rules
    await Retaining(stage.uow, of_users(stage.service.peer("users")), RETIRED).go_round()


async def grow_old(stage: Stage, *, days: int) -> None:
    """Whatever was said was said so long ago."""
    async with stage.uow.begin() as tx:
        then = utc_now() - timedelta(days=days)
        young = Conversation.unclaimed_since.is_not(None)
        await tx.session.execute(update(Message).values(created_at=then))
        await tx.session.execute(update(Conversation).where(young).values(unclaimed_since=then))


async def is_readable(stage: Stage, *talks: Citizen) -> list[bool]:
    subjects = [f"conversation:{each.conversation_id}" for each in talks]
    async with stage.uow.read() as tx:
        known = await tx.vault.surviving_keys(subjects)
    return [subject in known for subject in subjects]


async def test_a_talk_that_led_nowhere_is_forgotten_after_its_days(
    stage: Stage, meet: Meet
) -> None:
    guest = meet(GUEST)
    await guest.say("There is no water.", client_message_id="m-1")
    await grow_old(stage, days=29)
    await go_round(stage, guest_chats=30)
    assert await is_readable(stage, guest) == [True]

    await grow_old(stage, days=31)
    await go_round(stage, guest_chats=30)

    assert await is_readable(stage, guest) == [False]
    async with stage.uow.read() as tx:
        row = await tx.session.get_one(Conversation, guest.conversation_id)
        named = (await tx.session.scalars(select(Message.client_message_id))).all()
    assert (row.status, set(named)) == ("closed", {None})
    [told] = await stage.said(AuditRecorded)
    assert (told.target, told.details) == (
        "retention:guest_chats",
        {"count": 1, "keep_days": 30},
    )


async def test_it_is_forgotten_once(stage: Stage, meet: Meet) -> None:
    await meet(GUEST).say("There is no water.")
    await grow_old(stage, days=31)

    for _ in range(2):
        await go_round(stage, guest_chats=30)

    assert len(await stage.said(AuditRecorded)) == 1


async def test_somebody_who_spoke_lately_is_not_forgotten(stage: Stage, meet: Meet) -> None:
    guest = meet(GUEST)
    await guest.say("There is no water.")
    await grow_old(stage, days=31)
    await guest.say("And no road.")

    await go_round(stage, guest_chats=30)

    assert await is_readable(stage, guest) == [True]


async def test_what_is_somebodys_or_of_a_case_stays(stage: Stage, meet: Meet) -> None:
    """Of a person, of a guest who proved to be one, of a filed case, and of one that is kept."""
    person, bound = meet("user:7", Role.CITIZEN), meet(GUEST)
    filed, waiting = meet(OTHER), meet("guest:waiting")
    for each in (person, bound, filed):
        await each.say("There is no water.")
    await waiting.up_to_confirm()
    stage.peers.answers.clear()
    await waiting.press("confirm")
    await stage.say(GuestBound(user_id=8, guest_id=GUEST), source="users")
    submitted = GrievanceSubmitted(
        grievance_id=REFERENCE, channel="chat", filed_by=OTHER, has_contact=False,
        conversation_id=filed.conversation_id, file_ids=[],
    )  # fmt: skip
    await stage.say(submitted, source="grievance")
    await grow_old(stage, days=400)

    await go_round(stage, guest_chats=1, seah_guest_chats=1)

    assert await is_readable(stage, person, bound, filed, waiting) == [True] * 4
    async with stage.uow.read() as tx:
        assert (await tx.session.scalars(select(Filing.state))).all() == [FilingState.KEPT]


async def test_what_was_refused_has_led_to_no_case(stage: Stage, meet: Meet) -> None:
    guest = meet(GUEST)
    await guest.up_to_confirm()
    error = {"code": "VALIDATION_ERROR", "message": "No.", "details": {}}
    stage.peers.answers[FILE] = httpx2.Response(422, json={"status": "error", "error": error})
    await guest.press("confirm")
    await grow_old(stage, days=31)

    await go_round(stage, guest_chats=30)

    assert await is_readable(stage, guest) == [False]


async def test_seah_talks_have_a_rule_of_their_own(stage: Stage, meet: Meet) -> None:
    water, seah = meet(GUEST), meet(OTHER)
    await water.say("There is no water.")
    await seah.say(SEAH)
    await grow_old(stage, days=20)

    await go_round(stage, guest_chats=30, seah_guest_chats=10)

    assert await is_readable(stage, water, seah) == [True, False]
    [told] = await stage.said(AuditRecorded)
    assert (told.target, told.is_restricted) == ("retention:seah_guest_chats", True)


async def test_a_service_that_runs_asks_and_forgets_by_itself(
    raise_stage: Raise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.web.service.RETAIN_SECONDS", 0.02)
    stage = await raise_stage("chat", create_app, ChatSettings)
    guest = Citizen(stage, stage.client(Role.GUEST, GUEST), GUEST)
    await guest.say("There is no water.")
    await grow_old(stage, days=31)
    stage.peers.answers[f"GET users {RULES}"] = [{"kind": "guest_chats", "keep_days": 30}]

    async def told() -> list[AuditRecorded]:
        return await stage.said(AuditRecorded)

    await until(told)

    assert await is_readable(stage, guest) == [False]
