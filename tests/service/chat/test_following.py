"""What is heard of a case, and what the citizen does about it."""

import json
from datetime import timedelta
from typing import Any

import httpx2

from libs.common.clock import utc_now
from libs.common.contracts.chat import MessageSent
from libs.common.contracts.files import FileRejected
from libs.common.contracts.grievance import GrievanceClassified, GrievanceStatusChanged
from libs.common.events import Envelope
from libs.common.testing.stage import Stage, until
from tests.service.chat.conftest import REFERENCE, Citizen, Meet

ACT = f"POST grievance /internal/grievances/{REFERENCE}/actions"


def moved(
    from_status: str, to_status: str, grievance_id: str = REFERENCE
) -> GrievanceStatusChanged:
    return GrievanceStatusChanged(
        grievance_id=grievance_id,
        from_status=from_status,
        to_status=to_status,
        action="act",
        level=1,
    )


def classified(status: str = "suggested", *categories: str) -> GrievanceClassified:
    return GrievanceClassified(
        grievance_id=REFERENCE,
        categories=list(categories or ("ACCESS_WATER", "AIR_POLLUTION")),
        classification_status=status,
    )


async def standing(sita: Citizen) -> list[dict[str, Any]]:
    page = await sita.http.get("/api/v1/chat/conversations")
    found: list[dict[str, Any]] = page.json()["data"]["items"][0]["grievances"]
    return found


async def test_a_status_change_appears_in_the_conversation(sita: Citizen, stage: Stage) -> None:
    await sita.file()
    await stage.say(moved("pending", "acknowledged"))

    assert await sita.news() == [f"News about {REFERENCE}. Status: Acknowledged."]
    assert await standing(sita) == [{"grievance_id": REFERENCE, "status": "acknowledged"}]


async def test_it_is_said_in_the_language_of_the_talk(sita: Citizen, stage: Stage) -> None:
    await sita.say("चार दिनदेखि धारामा पानी आएको छैन।")
    await sita.say_all("छोड्नुस्", "गोप्य", "छोड्नुस्", "हो")
    await stage.say(moved("pending", "under_evaluation"))

    assert await sita.news() == [f"{REFERENCE} बारे खबर। अवस्था: समीक्षा भइरहेको।"]


async def test_a_redelivered_event_is_said_once(sita: Citizen, stage: Stage) -> None:
    await sita.file()
    event_id = await stage.say(moved("pending", "acknowledged"))
    await stage.publish(
        Envelope.of(moved("pending", "acknowledged"), source="test").model_copy(
            update={"id": event_id}
        )
    )
    await stage.say(moved("acknowledged", "in_progress"))
    assert len(await sita.news()) == 2


async def test_a_late_event_never_sets_a_case_back(sita: Citizen, stage: Stage) -> None:
    await sita.file()
    late = Envelope.of(moved("pending", "acknowledged"), source="test")
    await stage.say(moved("acknowledged", "under_evaluation"))
    await stage.publish(late.model_copy(update={"time": utc_now() - timedelta(minutes=1)}))
    await stage.say(moved("under_evaluation", "in_progress"))

    assert await standing(sita) == [{"grievance_id": REFERENCE, "status": "in_progress"}]
    assert len(await sita.news()) == 2


async def test_news_of_a_case_filed_elsewhere_is_nobodys_here(sita: Citizen, stage: Stage) -> None:
    await sita.file()
    await stage.say(moved("pending", "acknowledged", "GRV-2026-OTHER0-1"))
    assert await sita.news() == []


async def test_a_citizen_asks_where_the_case_stands(sita: Citizen, stage: Stage) -> None:
    await sita.file()
    stage.peers.answers.clear()
    for text in (
        *("status", "/status", "मेरो गुनासोको अवस्था", "mero gunaso k bhayo"),
        *("where is my complaint?", f"what happened to {REFERENCE}?", REFERENCE.lower()),
        f'/status{{"grievance_id": "{REFERENCE}"}}',
    ):
        await sita.say(text)
        assert REFERENCE in sita.reply
        assert sita.said["metadata"]["intent"] == "track"


async def test_the_reference_of_somebody_else_is_answered_like_a_random_one(meet: Meet) -> None:
    sita = meet()
    await sita.file()
    other = meet("guest-2")
    replies = set()
    for reference in (REFERENCE, "GRV-2026-ZZZZZZ-0"):
        for text in (f"status of {reference}", f"{reference} कहाँ पुग्यो?", reference):
            other.conversation_id = None
            await other.say(text, locale="en")
            replies.add(other.reply)
    assert len(replies) == 1


async def test_a_proposed_resolution_is_accepted_by_its_button(sita: Citizen, stage: Stage) -> None:
    stage.peers.answers[ACT] = {"status": "resolved"}
    await sita.file()
    await stage.say(moved("pending", "resolution_proposed"))
    [news] = [each for each in await sita.messages() if each["sender"] == "system"]
    [button] = news["buttons"]
    assert button["title"] == f"Accept {REFERENCE}"
    await sita.say("I accept")
    assert sita.said["replies"][0]["buttons"][0]["payload"] == button["payload"]
    assert not [request for request in stage.peers.asked if request.url.path.endswith("/actions")]
    await sita.say(button["payload"])

    assert sita.reply == f"Thank you. You have accepted the resolution of {REFERENCE}."
    [asked] = [request for request in stage.peers.asked if request.url.path.endswith("/actions")]
    assert json.loads(asked.content) == {"action": "accept", "by": sita.owner}
    assert asked.headers["idempotency-key"] == sita.said["message"]["id"]


async def test_accepting_while_grievance_is_away_can_be_tried_again(
    sita: Citizen, stage: Stage
) -> None:
    await sita.file()
    await stage.say(moved("pending", "resolution_proposed"))
    await sita.say("accept")
    await sita.press("accept")
    assert "moment" in sita.reply
    stage.peers.answers[ACT] = {"status": "resolved"}
    await sita.press("accept")
    assert "Thank you" in sita.reply


async def test_what_is_not_proposed_or_not_ones_own_is_not_accepted(
    meet: Meet, stage: Stage
) -> None:
    sita = meet()
    await sita.file()
    payload = f'/accept{{"grievance_id": "{REFERENCE}"}}'
    await sita.say(payload)
    assert "no resolution" in sita.reply
    await stage.say(moved("pending", "resolution_proposed"))
    await sita.say('/accept{"grievance_id": "GRV-2026-OTHER0-1"}')
    assert "no resolution" in sita.reply
    other = meet("guest-2")
    await other.say(payload)
    assert not [request for request in stage.peers.asked if request.url.path.endswith("/actions")]


async def test_a_refused_acceptance_is_said(sita: Citizen, stage: Stage) -> None:
    error = {"code": "ILLEGAL_STATUS_TRANSITION", "message": "no", "details": {}}
    stage.peers.answers[ACT] = httpx2.Response(409, json={"status": "error", "error": error})
    await sita.file()
    await stage.say(moved("pending", "resolution_proposed"))
    await sita.say("accept")
    await sita.press("accept")
    assert "no resolution" in sita.reply


async def test_a_suggested_category_is_shown_for_an_officer_to_confirm(
    sita: Citizen, stage: Stage
) -> None:
    await sita.file()
    await stage.say(classified())
    expected = (
        f"We understood {REFERENCE} as: Access to water, Air pollution. An officer confirms it."
    )
    assert await sita.news() == [expected]


async def test_a_confirmed_or_protected_category_is_not_shown(sita: Citizen, stage: Stage) -> None:
    await sita.file()
    await stage.say(classified("officer_confirmed"))
    await stage.say(classified(), restricted=True)
    await stage.say(classified())
    assert await sita.news() == []


async def test_a_photo_that_cannot_be_used_is_named_where_it_was_sent(
    meet: Meet, stage: Stage
) -> None:
    sita, other = meet(), meet("guest-2")
    await other.say("hello")
    await sita.say("Here is dust everywhere in our village", attachments=["0190-photo"])
    await stage.say(FileRejected(file_id="0190-photo", reason="not_an_image"))
    await stage.say(FileRejected(file_id="0190-other", reason="not_an_image"))

    [news] = await sita.news()
    assert "could not be used" in news
    assert await other.news() == []
    await sita.say_all("skip", "anonymous")
    assert sita.slot == "photo"


async def test_what_a_restricted_fact_causes_is_restricted(sita: Citizen, stage: Stage) -> None:
    await sita.file()
    await stage.say(moved("pending", "acknowledged"), restricted=True)

    async def told() -> bool:
        return len(await sita.news()) == 1

    await until(told)
    assert (await stage.envelopes(MessageSent))[-1].restricted
