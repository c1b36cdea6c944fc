"""What belongs to somebody in Dharan, in the whole system, and everybody who asks for it."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

import httpx2

from libs.common.ids import new_id
from libs.common.permissions import API_SCOPES
from libs.common.principal import Principal, Role, Scope
from libs.common.tokens import Signer
from tests.system.conftest import System, settled
from tests.system.test_journey import PNG

HERE = Scope(places=("Koshi/Sunsari",))
DHARAN = "Koshi/Sunsari/Dharan"
ELSEWHERE = Scope(places=("Koshi/Ilam", "Koshi/Sunsari/Dharan2"))
OFFICER = Role.SITE_SAFEGUARDS_FOCAL_PERSON
PHONE = "+9779807654321"
WORDS = (
    "Canarina", "Featherstone", PHONE, "quetzalbird", "toucanville", "macawphoto", "cassowary note",
    "hoatzin message", "kakapo dashboard",
)  # fmt: skip
"""What was planted; nobody but those it belongs to reads a word of it."""
JSON_PNG = b64encode(PNG).decode()
TALK = {"text": "hello"}
SEED_USER = {"phone_number": PHONE, "name": "Canarina Featherstone", "role": "citizen"}

BODIES: dict[str, Any] = {
    "PUT /api/v1/users/{user_id}": {"municipality": "Dharan"},
    "PUT /api/users/{user_id}": SEED_USER,
    "PUT /api/v1/users/{user_id}/preferences": {"language": "en", "reason": "in_person"},
    "POST /api/v1/users/{user_id}/consents": {
        "purpose": "contact", "is_given": True, "reason": "in_person",
    },
    "POST /api/v1/users/{user_id}/merge": {
        "into_user_id": "{into_user_id}", "reason": "identity_checked",
    },
    "POST /api/v1/users/{user_id}/reveal": {"reason": "contact_complainant", "fields": ["name"]},
    "DELETE /api/v1/users/{user_id}": {"reason": "person_asked"},
    "PUT /api/v1/retention-rules/{kind}": {"keep_days": 7},
    "POST /api/v1/api-keys/{key_id}/rotate": {},
    "PUT /api/v1/grievances/{grievance_id}": {"ward": 7},
    "PUT /api/grievances/{grievance_id}": {"ward": 7},
    "PUT /api/v1/grievances/{grievance_id}/status": {"status": "acknowledged"},
    "PUT /api/grievances/{grievance_id}/status": {"status": "acknowledged"},
    "POST /api/v1/grievances/{grievance_id}/actions": {"action": "acknowledge"},
    "POST /api/v1/grievances/{grievance_id}/notes": {"text": "Asked the ward office."},
    "POST /api/v1/chat/conversations/{conversation_id}/messages": TALK,
    "POST /api/chatbot/conversations/{conversation_id}/messages": TALK,
}  # fmt: skip
"""What is sent to routes that read a body."""


@dataclass(frozen=True)
class Caller:
    """Somebody who asks; `refused` is what everybody like them hears everywhere."""

    name: str
    principal: Principal | None
    token: str | None
    refused: int | None = None


@dataclass
class Owned:
    """The objects, by the name they have in paths and bodies."""

    signer: Signer
    ids: dict[str, str] = field(default_factory=dict)
    access_code: str = ""
    download: str = ""
    """The link somebody gets to the export of what is held on them."""

    def caller(self, name: str, principal: Principal, **more: Any) -> Caller:
        token = self.signer.sign(
            principal.id, principal.role, scope=principal.scope, scopes=principal.scopes, **more
        )
        return Caller(name, principal, token)

    @property
    def owner(self) -> Principal:
        return Principal(f"user:{self.ids['user_id']}", Role.CITIZEN)

    @property
    def officer(self) -> Principal:
        return Principal(f"user:{self.ids['officer_id']}", OFFICER, HERE)

    def insiders(self) -> list[Caller]:
        """Whose it is, and who works on it."""
        return [
            self.caller("owner", self.owner),
            self.caller("officer", self.officer),
            self.caller("supervisor", Principal("user:900", Role.PROJECT_ADMIN, HERE)),
            self.caller("administrator", Principal("user:1", Role.SUPER_ADMIN)),
        ]

    def outsiders(self) -> list[Caller]:
        """Whose it is not, and who does not show who they are."""
        expired = self.caller("expired", self.owner, seconds=-3600)
        half = self.caller("before the second factor", self.officer, half=True)
        return [
            Caller("anonymous", None, None, 401),
            Caller(expired.name, None, expired.token, 401),
            Caller(half.name, None, half.token, 401),
            self.caller("other citizen", Principal("user:901", Role.CITIZEN)),
            self.caller("other guest", Principal(f"guest:{new_id()}", Role.GUEST)),
            self.caller(
                "other program", Principal("key:901", Role.API_CLIENT, scopes=frozenset(API_SCOPES))
            ),
            self.caller("officer elsewhere", Principal("user:902", OFFICER, ELSEWHERE)),
            self.caller("auditor elsewhere", Principal("user:903", Role.AUDITOR, ELSEWHERE)),
            self.caller(
                "supervisor elsewhere", Principal("user:904", Role.PROJECT_ADMIN, ELSEWHERE)
            ),
        ]


def body_of(name: str, owned: Owned) -> dict[str, Any]:
    """What is sent to a route, with the ids of what was planted."""
    return {
        key: int(owned.ids[value[1:-1]]) if str(value).startswith("{") else value
        for key, value in BODIES[name].items()
    }


async def planted(system: System) -> Owned:
    """One of everything, made through the door."""
    owned = Owned(Signer.at("users", system.folder / "keys"))
    admin = system.client(owned.caller("admin", Principal("user:1", Role.SUPER_ADMIN)).token)
    await _people(system, owned, admin)
    citizen = system.client(owned.caller("owner", owned.owner).token)
    officer = system.client(owned.caller("officer", owned.officer).token)
    await _talk(owned, citizen)
    await _case(owned, citizen)
    path = f"/api/v1/grievances/{owned.ids['grievance_id']}"

    async def is_linked() -> bool:
        case = (await officer.get(path)).json()["data"]
        found = case["contact_status"], case["classification_status"]
        return found == ("masked", "suggested")

    await settled(is_linked)
    await _made(officer.post(f"{path}/notes", json={"text": "cassowary note"}))
    tasks = {"task_name": "classify_and_summarize_grievance"}
    [task] = (await admin.get("/api/v1/tasks", params=tasks)).json()["data"]["items"]
    owned.ids["task_id"] = task["task_id"]
    key = await _made(admin.post("/api/v1/api-keys", json={"name": "kakapo dashboard"}))
    owned.ids["key_id"] = key["key_id"]
    reveal = {"reason": "contact_complainant", "fields": ["name"]}
    shown = await _made(officer.post(f"/api/v1/users/{owned.ids['user_id']}/reveal", json=reveal))
    owned.ids["reveal_id"] = shown["reveal_id"]
    owned.ids["kind"] = "exports"
    await _export(owned, citizen)
    return owned


async def _people(system: System, owned: Owned, admin: httpx2.AsyncClient) -> None:
    body = {"phone_number": PHONE, "name": "Canarina Featherstone", "role": "citizen"}
    owned.ids["user_id"] = str((await _made(admin.post("/api/v1/users", json=body)))["user_id"])
    body = {"phone_number": "9807654322", "name": "Other Person", "role": "citizen"}
    other = await _made(admin.post("/api/v1/users", json=body))
    owned.ids["into_user_id"] = str(other["user_id"])
    body = {"phone_number": "9807654324", "name": "Same Person", "role": "citizen"}
    twice = await _made(admin.post("/api/v1/users", json=body))
    owned.ids["twice_user_id"] = str(twice["user_id"])
    body = {"phone_number": "9807654323", "name": "Some Officer", "role": OFFICER.value}
    scope = {"scope": {"places": list(HERE.places)}}
    made = await _made(admin.post("/api/v1/users", json=body | scope))
    owned.ids["officer_id"] = str(made["user_id"])
    form = {
        "grant_type": "password",
        "username": body["phone_number"],
        "password": made["initial_password"],
    }
    async with system.client() as client:
        signed_in = await client.post("/oauth/token", data=form)
    owned.ids["session_id"] = signed_in.json()["session_id"]


async def _talk(owned: Owned, citizen: httpx2.AsyncClient) -> None:
    said = {"text": "hoatzin message"}
    talk = await _made(citizen.post("/api/v1/chat/messages", json=said))
    owned.ids["conversation_id"] = talk["conversation_id"]
    owned.ids["message_id"] = talk["message"]["id"]


async def _case(owned: Owned, citizen: httpx2.AsyncClient) -> None:
    photo = {"file": ("macawphoto.png", PNG, "image/png")}
    sent = await _made(citizen.post("/api/v1/files", files=photo, data={"file_type": "image"}))
    owned.ids["file_id"] = sent["file_id"]
    body = {
        "description": "quetzalbird water pipe broken in our ward",
        "place": {"municipality": DHARAN, "text": "toucanville near the old mill"},
        "contact": {"name": "Canarina Featherstone", "phone_number": PHONE},
        "file_ids": [sent["file_id"]],
    }
    filed = await _made(citizen.post("/api/v1/grievances", json=body))
    owned.ids["grievance_id"] = filed["grievance_id"]
    owned.access_code = filed["access_code"]


async def _export(owned: Owned, citizen: httpx2.AsyncClient) -> None:
    asked = await _made(citizen.post("/api/v1/users/me/exports"))
    owned.ids["export_id"] = asked["export_id"]
    path = f"/api/v1/users/me/exports/{asked['export_id']}"

    async def link() -> str | None:
        found: str | None = (await citizen.get(path)).json()["data"]["download_url"]
        return found

    owned.download = await settled(link)


async def _made(asking: Any) -> dict[str, Any]:
    answer: httpx2.Response = await asking
    assert answer.is_success, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data
