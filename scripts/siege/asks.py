"""What clients ask for: a route, the bytes of a request, and which answers are fine."""

import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from libs.common.ids import new_id
from libs.common.principal import Role
from libs.common.tokens import Signer
from scripts.siege.answers import Answer
from scripts.siege.lines import request
from services.gateway.domain.table import AccessTable

TOKEN_SECONDS = 6 * 3600
ACCESS = Path("services/gateway/data/access.json")
TEXT = "The drinking water tap in our ward has been dry for nine days."


class Ask(Protocol):
    """A kind of request."""

    @property
    def route(self) -> "Route": ...

    def wire(self) -> tuple[str, bytes]:
        """A name for it, and its bytes."""
        ...

    def heard(self, name: str, answer: Answer) -> None:
        """Note what was answered."""
        ...


@dataclass(frozen=True)
class Route:
    """What is known of a route."""

    name: str
    service: str
    seconds: float
    fine: frozenset[int] = frozenset({200})


@dataclass(frozen=True)
class Reading:
    """The same request every time."""

    route: Route
    bytes_: bytes

    def wire(self) -> tuple[str, bytes]:
        return "", self.bytes_

    def heard(self, name: str, answer: Answer) -> None:
        """Nothing is promised to a reader."""


@dataclass
class Filing:
    """A complaint each time, under a name of its own; what was promised is written down."""

    route: Route
    token: str
    mark: str
    asked: set[str] = field(default_factory=set)
    acked: dict[str, str] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def wire(self) -> tuple[str, bytes]:
        name = f"{self.mark}-{next(self._numbers):07}"
        self.asked.add(name)
        body = {"grievance_id": name, "description": TEXT, "project_type": "water"}
        return name, request(
            "POST",
            "/api/v1/grievances",
            token=self.token,
            body=json.dumps(body).encode(),
            idempotency_key=new_id(),
        )

    def heard(self, name: str, answer: Answer) -> None:
        if answer.status in self.route.fine:
            self.acked[name] = json.loads(answer.body)["data"]["grievance_id"]


class Asks:
    """The kinds of request of an installation whose keys lie in `keys`."""

    def __init__(self, keys: Path, access: Path = ACCESS) -> None:
        self._signer = Signer.at("users", keys)
        self._table = AccessTable.read(access)

    def token(self, role: Role = Role.GUEST, subject: str = "guest:siege") -> str:
        """A token that outlives the siege."""
        return self._signer.sign(subject, role, seconds=TOKEN_SECONDS)

    def reading(
        self,
        target: str,
        *,
        role: Role | None = Role.GUEST,
        method: str = "GET",
        fine: frozenset[int] = frozenset({200}),
    ) -> Reading:
        """A request without a body."""
        token = None if role is None else self.token(role, f"{role.value}:siege")
        body = b"{}" if method == "POST" else None
        route = self._route(method, target.partition("?")[0], fine)
        return Reading(route, request(method, target, token=token, body=body))

    def saying(
        self, target: str, body: dict[str, str], *, fine: frozenset[int] = frozenset({200, 201})
    ) -> Reading:
        """A guest's POST, the same each time."""
        route = self._route("POST", target, fine)
        wire = request("POST", target, token=self.token(), body=json.dumps(body).encode())
        return Reading(route, wire)

    def filing(self, mark: str) -> Filing:
        """Complaints whose names begin with `mark`."""
        route = self._route("POST", "/api/v1/grievances", frozenset({201}))
        return Filing(route, self.token(), mark)

    def listing(self) -> Reading:
        """The first page of all cases, as an officer reads it."""
        return self.reading("/api/v1/grievances?limit=20", role=Role.GRC_CHAIR)

    def everywhere(self) -> list[Ask]:
        """A route or two of every service, none of which needs another service."""
        unknown = "/api/v1/files/0199c0de-0000-7000-8000-000000000000"
        return [
            self.reading("/api/v1/roles", role=Role.GRC_CHAIR),
            self.reading(
                "/api/v1/auth/guest", role=None, method="POST", fine=frozenset({200, 201})
            ),
            self.reading("/api/v1/categories"),
            self.listing(),
            self.filing("F"),
            self.reading(unknown, fine=frozenset({404})),
            self.reading("/api/v1/tasks/stats", role=Role.SUPER_ADMIN),
            self.reading("/api/v1/chat/config", role=None),
        ]

    def _route(self, method: str, path: str, fine: frozenset[int]) -> Route:
        entry = self._table.find(method, path).entry
        if entry is None:
            raise LookupError(f"The gateway's table has no {method} {path}.")
        return Route(f"{method} {entry.template}", entry.service, entry.access.seconds, fine)
