"""Every question there is for what belongs to somebody, made from the OpenAPI document."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from libs.common.permissions import Reach
from libs.common.web.auth import Access
from libs.common.web.routing import RouteTable
from services.gateway.app import ROUTERS
from services.gateway.domain.table import AccessTable, Entry
from services.gateway.settings import GatewaySettings
from tests.system.conftest import System
from tests.system.owned import BODIES, JSON_PNG, TALK, Caller, Owned, body_of, planted

PARAMETER = re.compile(r"\{(\w+)\}")
FREE = {"topic"}
"""Ids of what is everybody's: the topics of events."""
LAST = ("/close", "/merge", "DELETE", "DELETE /api/v1/users")
"""What ends the life of an object is asked by those it belongs to after everything else."""
BY_LINK = {"GET /api/v1/exports/{export_id}/download"}
"""Whoever has the link is let in, and nobody is asked who they are."""
BY_CODE = {"POST /api/v1/auth/otp/verify"}
NAMED_BY_CALLER = {
    "POST /api/v1/grievances", "POST /api/grievances", "POST /api/v1/files", "POST /api/files",
    "POST /upload",
}  # fmt: skip
"""Bodies in which a caller may give something of theirs an id; see `besides` for the others'."""
NO_ONES = {"client_message_id", "national_id", "client_id"}
"""Fields that name nothing of ours."""
UPLOAD = {"file_data": JSON_PNG, "file_type": "image", "file_name": "a.png"}


@dataclass(frozen=True)
class Answer:
    status: int
    text: str

    @property
    def error(self) -> dict[str, Any]:
        """What was refused, apart from when."""
        found: dict[str, Any] = json.loads(self.text)["error"]
        return found | {"request_id": ""}


@dataclass(frozen=True)
class Question:
    """A request for one object."""

    method: str
    template: str
    access: Access
    path: str
    send: dict[str, Any] = field(default_factory=dict)
    rightly: tuple[str, dict[str, Any]] | None = None
    """What those ask it for who know a code, or may not take what others still need."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def names_something(self) -> bool:
        """Whether it only looks, at one thing."""
        return self.method == "GET" and "{" in self.template

    async def ask(self, client: httpx2.AsyncClient, *, rightly: bool = False) -> "Answer":
        """Ask it; a stream is left once its head has come."""
        path, send = (rightly and self.rightly) or (self.path, self.send)
        async with client.stream(self.method, path, **send) as answer:
            is_stream = answer.headers["content-type"].startswith("text/event-stream")
            body = b"" if is_stream else await answer.aread()
            return Answer(answer.status_code, body.decode(errors="replace"))

    def expects(self, caller: Caller) -> int | None:
        """What somebody it is not for hears; None where it is for everybody with the permission."""
        if self.name in BY_LINK:
            return 404
        if caller.principal is None:
            return caller.refused
        if self.access.is_public:
            return 404
        reach = caller.principal.reach(self.access.permission)
        if reach is Reach.ALL:
            return None
        return 403 if reach is None else 404


def routes(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for template, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), template, operation


def names_in(schema: Any, document: dict[str, Any]) -> set[str]:
    """Every field of a body, however deep."""
    if isinstance(schema, list):
        return set().union(*(names_in(each, document) for each in schema))
    if not isinstance(schema, dict):
        return set()
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return names_in(document["components"]["schemas"][name], document)
    inner = [each for key, each in schema.items() if key not in {"examples", "properties"}]
    fields = schema.get("properties", {})
    return {*fields}.union(*(names_in(each, document) for each in [*inner, *fields.values()]))


def besides(owned: Owned, access: dict[str, Access]) -> Iterator[Question]:
    """Questions whose id is not in the path, but in a body or the query."""
    ids = owned.ids
    case, talk = {"grievance_id": ids["grievance_id"]}, {"conversation_id": ids["conversation_id"]}
    code = case | {"access_code": owned.access_code}
    wrong = case | {"access_code": "000000000000"}
    bodies: dict[str, dict[str, Any]] = {
        "POST /api/v1/grievances/track": {"json": wrong},
        "POST /api/v1/chat/messages": {"json": TALK | talk},
        "POST /api/chatbot/messages": {"json": TALK | talk},
        "POST /api/v1/files": {"json": UPLOAD | case},
        "POST /api/files": {"json": UPLOAD | case},
        "POST /upload": {"json": UPLOAD | case},
        "GET /api/v1/events/stream": {
            "params": {"subscribe": f"grievance:{ids['grievance_id']}"},
        },
    }
    for name, send in bodies.items():
        method, path = name.split()
        rightly = (path, {"json": code}) if path.endswith("/track") else None
        yield Question(method, path, access[name], path, send, rightly)


def question(name: str, access: Access, owned: Owned) -> Question:
    """The question for the planted object of a route."""
    method, template = name.split()
    send: dict[str, Any] = {"json": body_of(name, owned)} if name in BODIES else {}
    path = PARAMETER.sub(lambda found: owned.ids[found[1]], template)
    rightly = None
    if template.endswith("/merge"):
        rightly = (f"/api/v1/users/{owned.ids['twice_user_id']}/merge", send)
    if name in BY_LINK:
        send["params"] = {"expires": 2**32, "signature": "0" * 64}
        rightly = (owned.download, {})
    return Question(method, template, access, path, send, rightly)


def declared(table: AccessTable, template: str, method: str) -> Access:
    """What a route of the document declares."""
    entry: Entry | None = table.find(method, template.replace("{", "").replace("}", "")).entry
    assert entry is not None, f"{method} {template} is described, and not in the table"
    return entry.access


@dataclass
class Matrix:
    """The system with one of everything, and every question there is for it."""

    system: System
    owned: Owned
    questions: list[Question]
    lists: list[Question]
    """Questions that name nothing: what they answer depends on who asks."""


def _own() -> Iterable[Entry]:
    for rule in RouteTable.of(ROUTERS).rules:
        yield Entry("gateway", rule.template, rule.methods, rule.access)


def _uncovered(document: dict[str, Any], owned: Owned, extra: set[str]) -> Iterator[str]:
    """Routes with an id nothing is planted for, and bodies nobody said what to send in."""
    for method, template, operation in routes(document):
        name = f"{method} {template}"
        ids = set(PARAMETER.findall(template)) - FREE
        if ids - owned.ids.keys():
            yield name
        body = operation.get("requestBody")
        if ids and body and name not in BODIES:
            yield name
        asked = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        fields = asked | names_in(body, document)
        foreign = {each for each in fields if re.search(r"_ids?$|^subscribe$", each)} - NO_ONES
        if not ids and foreign and name not in extra | NAMED_BY_CALLER | BY_CODE:
            yield f"{name}: {sorted(foreign)}"


def life(question: Question) -> int:
    """How late to ask this, so that nobody misses what it ends."""
    return max((number for number, word in enumerate(LAST) if word in question.name), default=-1)


async def asked_of(system: System) -> Matrix:
    """Plant one of everything, and find every question; fails where nothing is planted for one."""
    owned = await planted(system)
    async with system.client() as client:
        document = (await client.get("/openapi.json")).json()
    file = GatewaySettings().access_file
    table = AccessTable.read(file, own=_own())
    inner = {each["path"].replace(":path}", "}") for each in json.loads(file.read_text())}
    assert inner <= document["paths"].keys(), "The door lets through what it does not describe"
    access = {
        f"{method} {template}": declared(table, template, method)
        for method, template, _ in routes(document)
    }
    owned.ids["path"] = f"images/{owned.ids['file_id']}.png"
    extra = list(besides(owned, access))
    missing = list(_uncovered(document, owned, {each.name for each in extra}))
    assert not missing, f"Plant something for these in tests/system/owned.py: {missing}"
    wanted = [
        question(f"{method} {template}", access[f"{method} {template}"], owned)
        for method, template, _ in routes(document)
        if set(PARAMETER.findall(template)) - FREE
    ]
    lists = [
        Question(method, template, access[f"{method} {template}"], template)
        for method, template, _ in routes(document)
        if method == "GET" and not PARAMETER.findall(template)
    ]
    return Matrix(system, owned, [*wanted, *extra], lists)
