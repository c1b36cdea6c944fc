"""Canaries for every field there is, made of the API's own description.

Each field of each route gets a canary of every kind, with a number of its own: what is found
somewhere says where it was planted.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

Document = dict[str, Any]

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


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a route, and which kind of canary is in it."""

    method: str
    path: str
    field: str
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.field} {self.kind}"


@dataclass(frozen=True, slots=True)
class Planting:
    """A request with a canary in one field."""

    place: Place
    url: str
    query: dict[str, Any]
    json: Any
    form: dict[str, str] | None


class Garden:
    """Every request to be made of a document, and where each number was planted."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.places: list[Place] = []

    def plantings(self) -> Iterator[Planting]:
        """A canary of every kind in every field of every route."""
        for path, methods in self._document["paths"].items():
            for method in METHODS:
                if method in methods:
                    yield from self._of_route(method, path, methods[method])

    def found(self, content: bytes) -> set[Place]:
        """Where the canaries in `content` were planted."""
        numbers = {
            int(next(group for group in match.groups() if group))
            for match in PLANTED.finditer(content)
        }
        return {self.places[number] for number in numbers if number < len(self.places)}

    def _of_route(self, method: str, path: str, operation: Document) -> Iterator[Planting]:
        parameters = [self._resolved(each) for each in operation.get("parameters", ())]
        given = {each["name"]: each for each in parameters if each["in"] in {"path", "query"}}
        contents = self._resolved(operation.get("requestBody", {})).get("content", {})
        plain = {name: self._example(each.get("schema", {})) for name, each in given.items()}
        body = self._body(contents)
        for name, each in given.items():
            if self._is_text(each.get("schema", {})):
                for place, canary in self._canaries(Place(method, path, f"{each['in']} {name}")):
                    yield self._request(place, given, {**plain, name: canary}, body, asked=name)
        for field in _fields(body):
            for place, canary in self._canaries(Place(method, path, ".".join(map(str, field)))):
                yield self._request(place, given, plain, _with(body, field, canary))

    def _request(
        self, place: Place, given: Document, values: Document, body: Any, *, asked: str = ""
    ) -> Planting:
        url = place.path
        for name, each in given.items():
            if each["in"] == "path":
                url = url.replace(f"{{{name}}}", quote(str(values[name]), safe=""))
        query = {
            name: values[name]
            for name, each in given.items()
            if each["in"] == "query" and (each.get("required") or name == asked)
        }
        is_form = isinstance(body, dict) and body.get("_form")
        form = {k: str(v) for k, v in body.items() if k != "_form"} if is_form else None
        return Planting(place, url, query, None if is_form else body, form)

    def _canaries(self, field: Place) -> Iterator[tuple[Place, str]]:
        for kind, text in KINDS.items():
            number = len(self.places)
            self.places.append(replace(field, kind=kind))
            yield self.places[-1], text.format(number)

    def _body(self, contents: Document) -> Any:
        if "application/json" in contents:
            return self._example(contents["application/json"]["schema"], every=True)
        if "application/x-www-form-urlencoded" in contents:
            schema = contents["application/x-www-form-urlencoded"]["schema"]
            return {"_form": True, **self._example(schema, every=True)}
        return None

    def _resolved(self, schema: Document) -> Document:
        while "$ref" in schema:
            found: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema

    def _is_text(self, schema: Document) -> bool:
        schema = self._resolved(schema)
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if options:
            return any(self._is_text(each) for each in options)
        return schema.get("type") in {"string", None}

    def _example(self, schema: Document, *, every: bool = False) -> Any:
        """Something of this shape; with `every`, all properties are there."""
        schema = self._resolved(schema)
        if schema.get("properties"):
            made: Document = next(iter(schema.get("examples", [])), {})
            shape = {
                name: made.get(name) or self._example(each, every=True)
                for name, each in schema["properties"].items()
                if every or name in schema.get("required", ())
            }
            return copy.deepcopy(shape)
        for word in ("examples", "enum"):
            if schema.get(word):
                return copy.deepcopy(schema[word][0])
        for word in ("const", "default"):
            if schema.get(word) is not None:
                return copy.deepcopy(schema[word])
        for word in ("anyOf", "oneOf", "allOf"):
            if schema.get(word):
                return self._example(schema[word][0], every=every)
        return self._bare(schema)

    def _bare(self, schema: Document) -> Any:
        match schema.get("type"):
            case "integer" | "number":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return False
            case "array":
                return [self._example(schema["items"], every=True)] if "items" in schema else []
            case "object":
                return {}
        return "x" * max(1, schema.get("minLength", 1))


def _fields(body: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where in `body` a text is, or nothing is."""
    if isinstance(body, dict):
        for name, value in body.items():
            if name != "_form":
                yield from _fields(value, (*path, name))
    elif isinstance(body, list):
        for number, value in enumerate(body[:1]):
            yield from _fields(value, (*path, number))
    elif path and (body is None or isinstance(body, str)):
        yield path


def _with(body: Any, path: tuple[str | int, ...], value: str) -> Any:
    """A copy of `body` with another value at `path`, and no optional nothing beside it."""
    made = copy.deepcopy(body)
    at = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return made
