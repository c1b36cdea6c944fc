"""Canaries for every field there is, made of the API's own description.

Each field of each route gets a canary of every kind, with a number of its own: what is found
somewhere says where it was planted. Headers and parameters that no route describes are planted
once a route, each time of another kind.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from urllib.parse import quote

from tests.system.examples import Document, Examples, Steps, fields, replaced
from tests.system.test_journey import PNG

KINDS = {
    "name": "Canarina{:05} Featherstone",
    "phone": "98700{:05}",
    "national id": "778899{:05}",
    "email": "canari{:05}@example.org",
    "address": "Canaritole{:05}",
    "text": "quetzalbird{:05} has a broken pipe",
}
PLANTED = re.compile(
    rb"canarina(\d{5})|canari(\d{5})@|canaritole(\d{5})|quetzalbird(\d{5})"
    rb"|(?<![0-9a-f-])(?:\+?977)?98700(\d{5})(?![0-9a-f])|(?<![0-9a-f-])778899(\d{5})(?![0-9a-f])",
    re.IGNORECASE,
)
"""Any canary, however it is cased; digits within an id are none."""
METHODS = ("get", "post", "put", "delete", "patch")
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data"
FILE = "file"
NUMBER = "#####"
_NUMBERS = count()
IF_MATCH = "if-match"
ENDS = ("/close", "/logout", "/merge", "/revoke", "/rotate")
KEY = "Idempotency-Key"
SURPLUS = "remark"
HEADERS = (
    "User-Agent", "X-Request-ID", "X-Correlation-ID", "traceparent", "tracestate", "baggage",
    "Cookie", "Referer", "From", "Origin", "Accept-Language", "Prefer", "If-None-Match",
    "Last-Event-ID", "X-Forwarded-For", "Forwarded", "X-User-Id",
)  # fmt: skip
"""What anybody may send with anything: none of them keeps a request from being answered."""


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a route, and which kind of canary is in it."""

    method: str
    path: str
    field: str
    kind: str = ""

    @property
    def is_end(self) -> bool:
        """Whether something is gone afterwards that others still need."""
        return self.method == "delete" or self.path.endswith(ENDS)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.field} {self.kind}"


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries, and as what; of a form in parts, `file` is the name of the file."""

    media: str | None = None
    value: Any = None
    whole: Any = None
    """The same with everything that may be in it."""

    def planted(self, steps: Steps, canary: str) -> "Body":
        """This with a canary in it, and nothing else that need not be there."""
        made = replaced(self.whole, steps, canary)
        if not isinstance(made, dict):
            return Body(self.media, made)
        return Body(self.media, self.value | {steps[0]: made[steps[0]]})

    def numbered(self, number: int) -> "Body":
        """This with a number in it where it has to differ from every other."""
        return replace(
            self, value=json.loads(json.dumps(self.value).replace(NUMBER, f"{number:05}"))
        )

    def sent(self) -> dict[str, Any]:
        """As the client takes it."""
        if self.media is None:
            return {}
        if self.media == JSON:
            return {"json": self.value}
        said = {name: str(value) for name, value in self.value.items() if name != FILE}
        if self.media == FORM:
            return {"data": said}
        return {"data": said, "files": {FILE: (self.value[FILE], PNG, "image/png")}}


@dataclass(frozen=True, slots=True)
class Planting:
    """A request with a canary in one field, or in what nobody described."""

    place: Place
    url: str
    body: Body
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """An empty `if-match` stands for the version there is."""


@dataclass(frozen=True, slots=True)
class Known:
    """What requests need to be answered."""

    ids: Mapping[str, str]
    """Of what is there, by the names of parameters."""
    bodies: Mapping[str, Any]
    """What a route takes, where the description's own examples are refused."""


class Garden:
    """Every request to be made of a document, and where each number was planted."""

    def __init__(self, document: Document, known: Known) -> None:
        self._document = document
        self._known = known
        self._examples = Examples(document)
        self.places: list[Place] = []

    def plantings(self, *, is_last: bool) -> Iterator[Planting]:
        """A canary of every kind in every field of every route, or of those that end something."""
        for number, route in enumerate(self._routes(is_last)):
            yield from self._described(route)
            yield from self._undescribed(route, number)

    def canaries(self) -> bytes:
        """All that was planted so far."""
        planted = [KINDS[each.kind].format(number) for number, each in enumerate(self.places)]
        return "\n".join(planted).encode()

    def found(self, content: bytes) -> set[Place]:
        """Where the canaries in `content` were planted."""
        numbers = {
            int(next(group for group in match.groups() if group))
            for match in PLANTED.finditer(content)
        }
        return {self.places[number] for number in numbers if number < len(self.places)}

    def _routes(self, is_last: bool) -> Iterator["_Route"]:
        for path, methods in self._document["paths"].items():
            for method in METHODS:
                place = Place(method, path, "")
                if method in methods and is_last == place.is_end:
                    yield _Route(place, methods[method], self._examples, self._known)

    def _described(self, route: "_Route") -> Iterator[Planting]:
        for name in route.texts("path", "query"):
            for place, canary in self._of_every_kind(route, f"parameter {name}"):
                yield route.request(place, {name: canary})
        for body in route.bodies:
            for steps in fields(body.whole):
                label = " ".join([*map(str, steps), *(["part"] if body.media == PARTS else [])])
                for place, canary in self._of_every_kind(route, label):
                    yield route.request(place, body=body.planted(steps, canary))
        for name in route.headers():
            for place, canary in self._of_every_kind(route, f"header {name}"):
                yield route.request(place, headers={name: canary})

    def _undescribed(self, route: "_Route", number: int) -> Iterator[Planting]:
        kinds = list(KINDS)
        headers = {
            name: self._planted(route, f"header {name}", kinds[(number + at) % len(kinds)])[1]
            for at, name in enumerate(HEADERS)
        }
        yield route.request(replace(route.place, field="headers"), headers=headers)
        place, canary = self._planted(route, f"parameter {SURPLUS}", kinds[number % len(kinds)])
        yield route.request(place, {SURPLUS: canary})

    def _of_every_kind(self, route: "_Route", label: str) -> Iterator[tuple[Place, str]]:
        for kind in KINDS:
            yield self._planted(route, label, kind)

    def _planted(self, route: "_Route", label: str, kind: str) -> tuple[Place, str]:
        self.places.append(replace(route.place, field=label, kind=kind))
        return self.places[-1], KINDS[kind].format(len(self.places) - 1)


class _Route:
    """A route as it is described, and a request to it that says what has to be said."""

    def __init__(self, place: Place, operation: Document, examples: Examples, known: Known) -> None:
        self.place = place
        self._examples = examples
        self._known = known
        self._parameters = [examples.resolved(each) for each in operation.get("parameters", ())]
        contents = examples.resolved(operation.get("requestBody", {})).get("content", {})
        self.bodies = [self._body(media, contents[media]["schema"]) for media in contents] or [
            Body()
        ]

    def texts(self, *places: str) -> list[str]:
        """Parameters a text may stand in."""
        return [
            each["name"]
            for each in self._parameters
            if each["in"] in places and self._examples.is_text(each.get("schema", {}))
        ]

    def headers(self) -> list[str]:
        """Headers that mean something here."""
        return self.texts("header") + ([KEY] if self.place.method == "post" else [])

    def request(
        self,
        place: Place,
        values: Mapping[str, str] | None = None,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Planting:
        """A request with these values of parameters, and what is needed besides."""
        url, query, rest = place.path, {}, dict(values or {})
        for each in self._parameters:
            name = each["name"]
            value = rest.pop(name, None) or self._known.ids.get(name)
            value = value or self._examples.of(each.get("schema", {}))
            if each["in"] == "path":
                url = url.replace(f"{{{name}}}", quote(str(value), safe=""))
            elif each["in"] == "query" and (each.get("required") or name in (values or {})):
                query[name] = value
        said = ({IF_MATCH: ""} if IF_MATCH in self.headers() else {}) | dict(headers or {})
        numbered = (body or self.bodies[0]).numbered(next(_NUMBERS))
        return Planting(place, url, numbered, query | rest, said)

    def _body(self, media: str, schema: Document) -> Body:
        name = f"{self.place.method.upper()} {self.place.path}"
        value = self._known.bodies.get(name, self._examples.of(schema))
        whole = self._examples.of(schema, every=True)
        return Body(media, value | {FILE: "photo.png"} if media == PARTS else value, whole)
