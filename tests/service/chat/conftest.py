from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.chat.app import create_app
from services.chat.settings import ChatSettings

MESSAGES = "/api/v1/chat/messages"
FILE = "POST grievance /internal/grievances"
COMPLAINT = "There has been no water in our ward for four days."
REFERENCE = "GRV-2026-7K3MQX-4"
ACCESS_CODE = "123456789012"


@dataclass
class Citizen:
    """Somebody with a chat window open."""

    stage: Stage
    http: httpx2.AsyncClient
    owner: str
    conversation_id: str | None = None
    said: dict[str, Any] = field(default_factory=dict)

    async def post(self, text: str, **more: Any) -> httpx2.Response:
        body: dict[str, Any] = {"text": text, **more}
        if self.conversation_id:
            body["conversation_id"] = self.conversation_id
        return await self.http.post(MESSAGES, json=body)

    async def say(self, text: str, **more: Any) -> dict[str, Any]:
        """Say something and return what came back; it must have been taken."""
        response = await self.post(text, **more)
        assert response.status_code in {200, 201}, response.text
        data: dict[str, Any] = response.json()["data"]
        self.conversation_id = data["conversation_id"]
        self.said = data
        return data

    async def say_all(self, *texts: str) -> dict[str, Any]:
        for text in texts:
            await self.say(text)
        return self.said

    async def press(self, action: str) -> dict[str, Any]:
        """Press the button of the last reply that does `action`."""
        return await self.say(self.payload(action))

    def payload(self, action: str) -> str:
        buttons = self.said["replies"][-1]["buttons"]
        payloads: list[str] = [button["payload"] for button in buttons]
        return next(payload for payload in payloads if payload.startswith(f"/{action}"))

    @property
    def reply(self) -> str:
        return "\n".join(reply["text"] for reply in self.said["replies"])

    @property
    def slot(self) -> str | None:
        found: str | None = self.said["context"]["slot"]
        return found

    @property
    def path(self) -> str:
        return f"/api/v1/chat/conversations/{self.conversation_id}"

    async def messages(self, after: str | None = None) -> list[dict[str, Any]]:
        """Everything said so far."""
        params = {"after": after} if after else {}
        response = await self.http.get(f"{self.path}/messages", params={**params, "limit": "100"})
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["data"]["items"]
        return items

    async def news(self) -> list[str]:
        """What the system said by itself."""
        return [each["text"] for each in await self.messages() if each["sender"] == "system"]

    async def up_to_confirm(self, text: str = COMPLAINT) -> None:
        """Answer everything as briefly as can be, up to the last question."""
        await self.say_all(text, "skip", "anonymous", "skip")
        assert self.slot == "confirm"

    async def file(self, text: str = COMPLAINT) -> None:
        """File anonymously."""
        await self.up_to_confirm(text)
        await self.press("confirm")
        assert self.said["context"]["grievance_id"] == REFERENCE


Meet = Callable[..., Citizen]


@pytest.fixture
async def stage(raise_stage: Callable[..., Awaitable[Stage]]) -> Stage:
    raised = await raise_stage("chat", create_app, ChatSettings, retry_seconds=0.05)
    raised.peers.answers[FILE] = {
        "grievance_id": REFERENCE,
        "access_code": ACCESS_CODE,
        "status": "pending",
    }
    return raised


@pytest.fixture
def meet(stage: Stage) -> Meet:
    """Somebody new: `meet()`, or `meet("guest-2")` for another one."""

    def somebody(owner: str = "guest-1", role: Role = Role.GUEST) -> Citizen:
        return Citizen(stage, stage.client(role, owner), owner)

    return somebody


@pytest.fixture
def sita(meet: Meet) -> Citizen:
    return meet()
