"""Who may watch a conversation: whose it is, unless something protected was said in it."""

from typing import Any

import httpx2

from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.chat.conftest import Citizen, Meet

ABUSE = "A man from the project touched my breast at the camp"
MISSING = ("404 CONVERSATION_NOT_FOUND", "404 MESSAGE_NOT_FOUND")


async def ask(stage: Stage, path: str, token: str | None = None) -> httpx2.Response:
    async with stage.peer("gateway", for_token=token) as gateway:
        return await gateway.get(f"/internal/watch/{path}")


def code(answer: httpx2.Response) -> str:
    return f"{answer.status_code} {answer.json()['error']['code']}"


async def test_a_conversation_is_watched_by_whose_it_is(stage: Stage, sita: Citizen) -> None:
    """Design 4; security row 38."""
    await sita.say("Namaste")
    talk = sita.conversation_id or ""
    mine = await ask(stage, talk, stage.token(Role.GUEST, "guest-1"))
    others = [
        stage.token(Role.GUEST, "guest-2"),
        stage.token(Role.SUPER_ADMIN),
        stage.token(Role.API_CLIENT, "key:1"),
        None,
    ]

    assert mine.json()["data"] == {"id": talk}
    assert {code(await ask(stage, talk, token)) for token in others} == {MISSING[0]}
    assert code(await ask(stage, "x" * 60, stage.token(Role.GUEST))) == MISSING[0]


async def test_a_message_is_there_for_the_push(stage: Stage, sita: Citizen, meet: Meet) -> None:
    """S2-22: what is pushed is what the list answers."""
    await sita.say("Namaste")
    other = meet("guest-2")
    await other.say("Hello")
    messages: list[dict[str, Any]] = await sita.messages()
    talk, theirs = sita.conversation_id, other.conversation_id
    found = [await ask(stage, f"{talk}/messages/{each['id']}") for each in messages]

    assert [answer.json()["data"] for answer in found] == messages
    assert code(await ask(stage, f"{theirs}/messages/{messages[0]['id']}")) == MISSING[1]
    assert code(await ask(stage, f"{talk}/messages/none")) == MISSING[1]


async def test_what_is_protected_is_watched_by_nobody(stage: Stage, sita: Citizen) -> None:
    """Design 3: never into pushes, from the moment it is told."""
    await sita.say("Namaste")
    await sita.say(ABUSE)
    messages = await sita.messages()
    talk = sita.conversation_id or ""
    answers = [
        await ask(stage, talk, stage.token(Role.GUEST, "guest-1")),
        *[await ask(stage, f"{talk}/messages/{each['id']}") for each in messages],
    ]

    assert {code(answer) for answer in answers} == {MISSING[0]}
