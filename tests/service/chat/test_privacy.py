"""What people say stays sealed, and what is protected travels apart."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from libs.common.contracts.chat import (
    ConversationClosed,
    ConversationOpened,
    MessageReceived,
    MessageSent,
)
from libs.common.events import Event
from libs.common.testing.stage import Stage
from tests.service.chat.conftest import FILE, Citizen

NAME = "Qwaxlina Zorbwick"
PHONE = "9811122233"
PLACE = "Vexomandu Xyqtol"
STORY = "zyxquorblet has broken the water pipe of our ward and nobody repairs it"
CANARIES = ("Qwaxlina", "9811122233", "Vexomandu", "zyxquorblet")
ABUSE = "A man from the project touched my breast at the camp"


def found_in(haystack: bytes) -> list[str]:
    return [canary for canary in CANARIES if canary.encode() in haystack]


async def _everything_stored(stage: Stage, folder: Path) -> bytes:
    """The raw bytes of the database with its journal, or of every row where it is a server's."""
    if stage.service.database.is_sqlite:
        return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    rows: list[Any] = []
    tables = (
        "conversations messages filings attachments case_links outbox inbox idempotency_keys leases"
    )
    async with stage.uow.read() as tx:
        for table in tables.split():
            rows += (await tx.session.execute(text(f"SELECT * FROM {table}"))).all()  # noqa: S608
    return repr(rows).encode()


async def test_nothing_that_was_said_is_found_in_plain(
    sita: Citizen, stage: Stage, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    del stage.peers.answers[FILE]
    await sita.say(STORY, client_message_id=PHONE)
    await sita.say_all(PLACE, f"{NAME} {PHONE}", "skip")
    headers = {"Idempotency-Key": "k-1"}
    body = {"text": sita.payload("confirm"), "conversation_id": sita.conversation_id}
    await sita.http.post("/api/v1/chat/messages", json=body, headers=headers)
    bodies = [
        await sita.post(STORY, sender=NAME),
        await sita.post(STORY + "!", client_message_id=PHONE),
        await sita.http.post("/api/v1/chat/messages", content=STORY.encode()),
    ]
    assert {answer.status_code for answer in bodies} == {422}

    assert found_in(await _everything_stored(stage, tmp_path)) == []
    for answer in bodies:
        assert found_in(answer.content) == []
    for kind in (ConversationOpened, MessageReceived, MessageSent):
        for envelope in await stage.envelopes(kind):
            assert found_in(envelope.to_bytes()) == []
    captured = capfd.readouterr()
    assert found_in((captured.out + captured.err).encode()) == []


async def test_the_canary_would_be_found_where_it_is_expected(sita: Citizen) -> None:
    """The test above looks for the right words: the citizen reads them in the summary."""
    await sita.say_all(STORY, PLACE, f"{NAME} {PHONE}", "skip")
    assert found_in(sita.reply.encode()) == list(CANARIES)


async def test_abuse_is_heard_gently(sita: Citizen) -> None:
    await sita.say(ABUSE, locale="en")
    assert sita.slot == "contact"
    assert "not your fault" in sita.reply
    assert "anonymous" in sita.said["replies"][0]["buttons"][0]["payload"]
    await sita.press("anonymous")
    assert sita.slot == "confirm"
    await sita.press("confirm")
    assert "Reference" in sita.reply


async def test_abuse_told_on_the_way_ends_the_questions(sita: Citizen) -> None:
    await sita.say("There has been no water in our ward for four days.", locale="en")
    await sita.say(ABUSE)
    assert sita.slot == "contact"
    assert "not your fault" in sita.reply
    await sita.press("anonymous")
    assert sita.slot == "confirm"


KINDS: list[type[Event]] = [ConversationOpened, MessageReceived, MessageSent, ConversationClosed]


async def test_facts_about_abuse_travel_apart_from_the_first_one(
    sita: Citizen, stage: Stage
) -> None:
    await sita.say(ABUSE)
    await sita.say("गोप्य")
    await sita.http.post(f"{sita.path}/close")
    for kind in KINDS:
        envelopes = await stage.envelopes(kind)
        assert envelopes
        assert all(envelope.restricted for envelope in envelopes)


async def test_facts_are_restricted_from_the_moment_abuse_is_told(
    sita: Citizen, stage: Stage
) -> None:
    await sita.say_all(STORY, ABUSE, "गोप्य")
    received = [each.restricted for each in await stage.envelopes(MessageReceived)]
    assert received == [False, True, True]


async def test_facts_about_a_pipe_do_not(sita: Citizen, stage: Stage) -> None:
    await sita.say(STORY)
    assert not any(each.restricted for each in await stage.envelopes(MessageReceived))


async def test_an_answer_never_says_that_a_talk_is_protected(sita: Citizen) -> None:
    await sita.say(ABUSE)
    listed: httpx2.Response = await sita.http.get("/api/v1/chat/conversations")
    assert "restricted" not in listed.text
    assert "seah" not in str(sita.said["metadata"]).lower()
