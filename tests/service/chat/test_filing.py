"""From the first complaint to a reference, in three ways of writing."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from libs.common.contracts.chat import MessageSent
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.testing.stage import Stage, until
from services.chat.clients import Filed
from services.chat.domain.answering import FaqBook
from services.chat.domain.conversing import FilingToSend, Incoming, receive
from services.chat.domain.hearing import hear
from services.chat.domain.keeping import settle
from services.chat.repository import ChatRepository
from tests.service.chat.conftest import ACCESS_CODE, COMPLAINT, FILE, REFERENCE, Citizen, Meet

FILED = {"grievance_id": REFERENCE, "access_code": ACCESS_CODE, "status": "pending"}


def sent(stage: Stage) -> list[dict[str, Any]]:
    """The bodies grievance was asked to file."""
    return [
        json.loads(request.content)
        for request in stage.peers.asked
        if request.url.path == "/internal/grievances"
    ]


def keys(stage: Stage) -> set[str]:
    return {
        request.headers["idempotency-key"]
        for request in stage.peers.asked
        if request.url.path == "/internal/grievances"
    }


async def test_a_citizen_is_led_from_a_complaint_to_a_reference(
    sita: Citizen, stage: Stage
) -> None:
    await sita.say("There has been no water in our ward for four days.")
    assert sita.slot == "place"
    await sita.say("Bharatpur ward 7, behind the school")
    assert sita.slot == "contact"
    await sita.say("Sita Sharma 9812345678")
    assert sita.slot == "photo"
    await sita.say("here", attachments=["0190-photo"])
    assert sita.slot == "confirm"
    assert sent(stage) == []
    await sita.press("confirm")

    assert REFERENCE in sita.reply
    assert ACCESS_CODE in sita.reply
    assert sita.said["context"] == {"form": None, "slot": None, "grievance_id": REFERENCE}
    [body] = sent(stage)
    assert body["description"] == "There has been no water in our ward for four days."
    assert body["place"]["ward"] == 7
    assert body["place"]["text"] == "Bharatpur ward 7, behind the school"
    assert body["contact"] == {"name": "Sita Sharma", "phone_number": "+9779812345678"}
    assert body["file_ids"] == ["0190-photo"]
    assert body["filed_by"] == sita.owner
    assert body["conversation_id"] == sita.conversation_id
    assert body["channel"] == "chat"
    assert body["language"] == "en"


async def test_the_same_in_nepali(sita: Citizen, stage: Stage) -> None:
    await sita.say("चार दिनदेखि धारामा पानी आएको छैन।")
    await sita.say("भरतपुर वडा नं ७")
    await sita.say_all("नाम र फोन", "सीता शर्मा", "९८१२३४५६७८", "फोटो छैन")
    assert "दर्ता गरूँ?" in sita.reply
    await sita.say("हो")

    assert f"दर्ता नम्बर: {REFERENCE}" in sita.reply
    [body] = sent(stage)
    assert body["contact"] == {"name": "सीता शर्मा", "phone_number": "+9779812345678"}
    assert body["language"] == "ne"


async def test_the_same_in_romanised_nepali(sita: Citizen, stage: Stage) -> None:
    await sita.say("char din dekhi dhara ma pani aayeko chaina")
    await sita.say_all("thaha chaina", "gopya", "photo chaina")
    assert "Darta garu?" in sita.reply
    await sita.say("huncha")

    assert f"Darta number: {REFERENCE}" in sita.reply
    [body] = sent(stage)
    assert body["contact"] is None
    assert body["place"] == {}
    assert body["language"] == "ne-Latn"


async def test_a_wrong_phone_number_is_asked_for_again(sita: Citizen) -> None:
    await sita.say_all(COMPLAINT, "skip", "Sita Sharma", "12")
    assert sita.slot == "contact_phone"
    assert "phone number" in sita.reply
    await sita.say("981-234-5678")
    assert sita.slot == "photo"
    await sita.say("skip")
    assert "+9779812345678" in sita.reply


async def test_what_is_shown_can_be_changed_before_it_is_filed(sita: Citizen, stage: Stage) -> None:
    await sita.up_to_confirm()
    stale = sita.payload("confirm")
    await sita.press("edit")
    await sita.press('edit{"slot": "place"}')
    await sita.say("Pokhara 17")
    assert sita.slot == "confirm"
    assert "Pokhara 17" in sita.reply

    await sita.say(stale)
    assert sita.slot == "confirm"
    assert sent(stage) == []
    await sita.press("confirm")
    assert sent(stage)[0]["place"]["text"] == "Pokhara 17"


@pytest.mark.parametrize("words", ["no", "होइन", "hoina", "cancel", "/cancel"])
async def test_a_no_files_nothing(sita: Citizen, stage: Stage, words: str) -> None:
    await sita.up_to_confirm()
    await sita.say(words)
    assert sita.slot is None
    await sita.say("yes")
    assert sent(stage) == []


async def test_only_a_clear_yes_files(sita: Citizen, stage: Stage) -> None:
    await sita.up_to_confirm()
    for text in ("what happens then?", "yes but the ward is 6", "hmm", '/confirm{"token": "x"}'):
        await sita.say(text)
        assert sita.slot == "confirm"
    assert sent(stage) == []


async def test_in_doubt_it_is_offered_and_the_first_words_are_filed(
    sita: Citizen, stage: Stage
) -> None:
    await sita.say("they did the thing again on Monday")
    assert sita.slot == "offer"
    await sita.press("file")
    assert sita.slot == "place"
    await sita.say_all("skip", "anonymous", "skip", "yes")
    assert sent(stage)[0]["description"] == "they did the thing again on Monday"


async def test_pressing_confirm_twice_files_once(sita: Citizen, stage: Stage) -> None:
    await sita.up_to_confirm()
    confirm = sita.payload("confirm")
    await sita.say(confirm)
    await sita.say(confirm)

    assert REFERENCE in sita.reply
    assert ACCESS_CODE not in sita.reply
    assert len(sent(stage)) == 1


async def test_two_confirms_at_once_file_once(sita: Citizen, stage: Stage) -> None:
    await sita.up_to_confirm()
    confirm = sita.payload("confirm")
    answers = await asyncio.gather(*(sita.post(confirm) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {201}
    assert len(keys(stage)) == 1
    told = [each["text"] for each in await sita.messages() if ACCESS_CODE in each["text"]]
    assert len(told) == 1


async def test_while_grievance_is_away_the_filing_is_kept_and_the_reference_follows(
    sita: Citizen, stage: Stage
) -> None:
    del stage.peers.answers[FILE]
    await sita.up_to_confirm()
    await sita.press("confirm")
    assert sita.slot == "filing"
    assert "kept" in sita.reply
    await sita.say("status")
    assert "kept" in sita.reply

    stage.peers.answers[FILE] = FILED

    async def followed() -> bool:
        return any(ACCESS_CODE in each["text"] for each in await sita.messages())

    await until(followed)
    assert len(keys(stage)) == 1
    bodies = sent(stage)
    assert len(bodies) > 1
    assert all(body == bodies[0] for body in bodies)
    await sita.say("status")
    assert "Submitted" in sita.reply


async def test_what_was_confirmed_is_filed_when_its_request_died(
    sita: Citizen, stage: Stage
) -> None:
    await sita.up_to_confirm()
    incoming = Incoming(hear(sita.payload("confirm")))
    async with stage.uow.begin() as tx:
        exchange = await receive(
            tx,
            incoming,
            by=sita.owner,
            conversation_id=sita.conversation_id,
            locale="en",
            faqs=FaqBook([]),
        )
        assert isinstance(exchange.errand, FilingToSend)
    async with stage.uow.begin() as tx:
        filing = await ChatRepository(tx.session).filing(exchange.errand.filing_id)
        filing.next_try_at = filing.created_at

    async def followed() -> bool:
        return any(ACCESS_CODE in each["text"] for each in await sita.messages())

    await until(followed)
    assert keys(stage) == {exchange.errand.filing_id}


async def test_an_answer_that_comes_twice_is_told_once(sita: Citizen, stage: Stage) -> None:
    """The request and the round may both have asked: the second to hear changes nothing."""
    del stage.peers.answers[FILE]
    await sita.up_to_confirm()
    await sita.press("confirm")
    [filing_id] = keys(stage)
    assert sita.conversation_id
    for _ in range(2):
        async with stage.uow.begin() as tx:
            await settle(
                tx,
                filing_id,
                Filed.model_validate(FILED),
                conversation_id=sita.conversation_id,
                retry_seconds=1,
            )
    told = [each["text"] for each in await sita.messages() if ACCESS_CODE in each["text"]]
    assert len(told) == 1


async def test_a_refused_filing_is_given_back_to_be_changed(sita: Citizen, stage: Stage) -> None:
    error: dict[str, Any] = {
        "code": "VALIDATION_ERROR",
        "message": "no",
        "details": {},
        "request_id": None,
    }
    stage.peers.answers[FILE] = httpx2.Response(422, json={"status": "error", "error": error})
    await sita.up_to_confirm()
    await sita.press("confirm")
    assert sita.slot == "confirm"
    assert COMPLAINT in sita.reply

    stage.peers.answers[FILE] = FILED
    await sita.press("confirm")
    assert REFERENCE in sita.reply
    assert len(keys(stage)) == 2


async def test_a_refusal_that_is_not_about_the_content_keeps_the_filing(
    sita: Citizen, stage: Stage
) -> None:
    error: dict[str, Any] = {
        "code": "FORBIDDEN",
        "message": "no",
        "details": {},
        "request_id": None,
    }
    stage.peers.answers[FILE] = httpx2.Response(403, json={"status": "error", "error": error})
    await sita.up_to_confirm()
    await sita.press("confirm")
    assert sita.slot == "filing"


async def test_a_closed_conversation_still_gets_the_reference_it_waits_for(
    sita: Citizen, stage: Stage
) -> None:
    del stage.peers.answers[FILE]
    await sita.up_to_confirm()
    await sita.press("confirm")
    assert (await sita.http.post(f"{sita.path}/close")).status_code == 200
    stage.peers.answers[FILE] = FILED

    async def followed() -> bool:
        return any(ACCESS_CODE in each["text"] for each in await sita.messages())

    await until(followed)


async def test_the_event_of_a_filing_may_come_before_its_answer(
    sita: Citizen, stage: Stage
) -> None:
    await sita.up_to_confirm()
    assert sita.conversation_id
    await stage.say(
        GrievanceSubmitted(
            grievance_id=REFERENCE,
            channel="chat",
            filed_by=sita.owner,
            has_contact=False,
            conversation_id=sita.conversation_id,
            file_ids=[],
        )
    )
    await sita.press("confirm")
    assert REFERENCE in sita.reply
    await sita.say("status")
    assert sita.reply.count(REFERENCE) == 1


async def test_the_form_keeps_its_turn_when_it_is_interrupted(sita: Citizen) -> None:
    await sita.say(COMPLAINT)
    for text in ("hello", "help", "status", "/help", "are you a bot?", "does it cost anything?"):
        await sita.say(text)
        assert sita.slot == "place"
        assert "Municipality" in sita.reply


async def test_more_photos_than_a_case_takes_are_named(sita: Citizen, stage: Stage) -> None:
    await sita.say(COMPLAINT, attachments=[f"a{n}" for n in range(5)])
    await sita.say("Bharatpur", attachments=[f"b{n}" for n in range(5)])
    await sita.say("anonymous", attachments=["c1"])
    assert "first ten" in sita.reply
    await sita.press("confirm")
    assert len(sent(stage)[0]["file_ids"]) == 10


async def test_every_reply_is_a_fact(sita: Citizen, stage: Stage) -> None:
    await sita.file()
    replies = [each for each in await sita.messages() if each["sender"] == "bot"]
    said = await stage.said(MessageSent)
    assert [each["id"] for each in replies] == [fact.message_id for fact in said]


async def test_a_second_grievance_is_filed_apart(meet: Meet, stage: Stage) -> None:
    sita = meet()
    await sita.file()
    stage.peers.answers[FILE] = {**FILED, "grievance_id": "GRV-2026-AAAAAA-1"}
    await sita.up_to_confirm("The contractor has not paid our wages for three months.")
    await sita.press("confirm")
    assert "GRV-2026-AAAAAA-1" in sita.reply
    assert len(keys(stage)) == 2
