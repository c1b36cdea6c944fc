"""Issue 4, must show 5, within chat: what somebody erased said is never read again."""

from sqlalchemy import select

from libs.common.contracts.files import FileRejected
from libs.common.contracts.grievance import (
    GrievanceErased,
    GrievanceStatusChanged,
    GrievanceSubmitted,
)
from libs.common.contracts.users import UserErased, UserMerged
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.chat.models import Conversation, Filing, Message
from tests.service.chat.conftest import COMPLAINT, MESSAGES, REFERENCE

OWNER = "user:12"


async def talked(stage: Stage, owner: str = OWNER) -> str:
    client = stage.client(Role.CITIZEN, owner)
    body = {"text": COMPLAINT, "client_message_id": "sita-1", "attachments": ["f-1"]}
    answer = await client.post(MESSAGES, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["conversation_id"])


async def read(stage: Stage, conversation: str, owner: str = OWNER) -> int:
    client = stage.client(Role.CITIZEN, owner)
    path = f"/api/v1/chat/conversations/{conversation}/messages"
    return (await client.get(path)).status_code


def status_changed() -> GrievanceStatusChanged:
    return GrievanceStatusChanged(
        grievance_id=REFERENCE, from_status="pending", to_status="acknowledged",
        action="acknowledge", level=1,
    )  # fmt: skip


async def test_what_somebody_erased_said_opens_for_nobody(stage: Stage) -> None:
    conversation, other = await talked(stage), await talked(stage, "user:99")

    await stage.say(UserErased(user_id=12), source="users")

    assert await read(stage, conversation) == 410
    assert await read(stage, other, "user:99") == 200
    async with stage.uow.read() as tx:
        query = select(Message.client_message_id, Message.meta)
        theirs = Message.conversation_id == conversation
        rows = (await tx.session.execute(query.where(theirs))).all()
        row = await tx.session.get_one(Conversation, conversation)
        assert await tx.session.scalar(select(Filing.payload)) is None
    assert [tuple(each) for each in rows] == [(None, {})] * len(rows)
    assert (row.status, row.opening_key) == ("closed", None)


async def test_the_conversation_of_a_case_of_nobody_goes_with_it(stage: Stage) -> None:
    """Whoever filed was a guest: the case alone says which conversation it was."""
    conversation = await talked(stage, "guest:1")

    erased = GrievanceErased(grievance_id=REFERENCE, conversation_id=conversation)
    await stage.say(erased, source="grievance")

    assert await read(stage, conversation, "guest:1") == 410


async def test_news_of_a_case_of_nobody_is_told_to_nobody(stage: Stage) -> None:
    conversation = await talked(stage)
    submitted = GrievanceSubmitted(
        grievance_id=REFERENCE, channel="chat", filed_by=OWNER, has_contact=False,
        conversation_id=conversation, file_ids=["f-1"],
    )  # fmt: skip
    await stage.say(submitted, source="grievance")
    await stage.say(UserErased(user_id=12), source="users")
    async with stage.uow.read() as tx:
        before = len((await tx.session.scalars(select(Message.id))).all())

    await stage.say(status_changed(), source="grievance")
    await stage.say(FileRejected(file_id="f-1", reason="CORRUPT_FILE"), source="files")

    async with stage.uow.read() as tx:
        assert len((await tx.session.scalars(select(Message.id))).all()) == before


async def test_who_turns_out_to_be_somebody_erased_is_erased(stage: Stage) -> None:
    conversation = await talked(stage)
    await stage.say(UserErased(user_id=99), source="users")

    await stage.say(UserMerged(user_id=12, into_user_id=99), source="users")

    assert await read(stage, conversation, "user:99") == 410


async def test_whoever_was_erased_a_moment_ago_opens_no_conversation(stage: Stage) -> None:
    await stage.say(UserErased(user_id=12), source="users")

    answer = await stage.client(Role.CITIZEN, OWNER).post(MESSAGES, json={"text": COMPLAINT})

    assert answer.status_code == 410


async def test_what_is_held_on_somebody_is_what_was_said(stage: Stage) -> None:
    """S4-18."""
    await talked(stage)

    answer = await stage.peer("tasks").get("/internal/people/12/export")

    [held] = answer.json()["data"]["held"]["conversations"]
    assert COMPLAINT in [message["text"] for message in held["messages"]]
