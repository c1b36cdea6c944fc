"""The sources' own paths."""

from libs.common.testing.stage import Stage
from tests.service.chat.conftest import COMPLAINT, REFERENCE, Citizen

SEED = "/api/chatbot"


async def test_a_message_is_answered_as_the_sources_spell_it(sita: Citizen) -> None:
    """S2-22."""
    response = await sita.http.post(f"{SEED}/messages/", json={"text": "does it cost anything?"})
    data = response.json()["data"]

    assert response.status_code == 201
    assert set(data) == {
        "id",
        "conversation_id",
        "sender",
        "text",
        "timestamp",
        "faq_matched",
        "feedback",
    }
    assert data["sender"] == "bot"
    assert data["faq_matched"] is True
    assert data["feedback"] is None
    assert response.headers["deprecation"]
    sita.conversation_id = data["conversation_id"]
    assert [each["sender"] for each in await sita.messages()] == ["customer", "bot"]


async def test_the_sources_path_takes_shorter_texts(sita: Citizen) -> None:
    """S2-22."""
    assert (await sita.http.post(f"{SEED}/messages", json={"text": "a" * 2_001})).status_code == 422


async def test_a_grievance_is_filed_over_the_sources_paths(sita: Citizen) -> None:
    opened = await sita.http.post(f"{SEED}/messages", json={"text": COMPLAINT})
    conversation_id = opened.json()["data"]["conversation_id"]
    path = f"{SEED}/conversations/{conversation_id}/messages/"
    for text in ("skip", "anonymous", "skip", "yes"):
        response = await sita.http.post(path, json={"text": text})
        assert response.status_code == 201
    assert REFERENCE in response.json()["data"]["replies"][0]["text"]


async def test_messages_are_read_from_an_offset(sita: Citizen) -> None:
    """S2-22: limit up to 100, and an offset."""
    await sita.say_all("hello", "hello")
    path = f"{SEED}/conversations/{sita.conversation_id}/messages"
    everything = (await sita.http.get(path)).json()["data"]["items"]
    part = (await sita.http.get(path, params={"limit": "2", "offset": "1"})).json()["data"]["items"]

    assert len(everything) == 4
    assert part == everything[1:3]
    assert (await sita.http.get(path, params={"limit": "101"})).status_code == 422
    listed = (await sita.http.get(f"{SEED}/conversations/")).json()["data"]["items"]
    assert [each["conversation_id"] for each in listed] == [sita.conversation_id]


async def test_the_widget_gets_its_polling_interval(stage: Stage) -> None:
    """S2-08, S2-09: never a key or an address."""
    for path in (f"{SEED}/config/", "/api/v1/chat/config"):
        data = (await stage.client().get(path)).json()["data"]
        assert data == {
            "polling_interval_ms": 2500,
            "max_text": 5000,
            "max_attachments": 5,
            "locales": ["ne", "en"],
        }


async def test_active_questions_are_listed_in_their_order(stage: Stage) -> None:
    """S2-05, S2-06."""
    rows = (await stage.client().get(f"{SEED}/faqs/")).json()["data"]
    assert [row["order"] for row in rows] == sorted(row["order"] for row in rows)
    assert all(row["question"] and row["answer_ne"] for row in rows)
