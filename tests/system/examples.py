"""Examples made of the schemas of an API's own description."""

import copy
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
Steps = tuple[str | int, ...]
"""The way to a field."""


class Examples:
    """What a document says of values, and values as it says."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def resolved(self, schema: Document) -> Document:
        """What a reference refers to."""
        while "$ref" in schema:
            found: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema

    def is_text(self, schema: Document) -> bool:
        """Whether a text may stand there."""
        schema = self.resolved(schema)
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if options:
            return any(self.is_text(each) for each in options)
        return schema.get("type") in {"string", None}

    def of(self, schema: Document, *, every: bool = False) -> Any:
        """Something of this shape; with `every`, all properties are there."""
        schema = self.resolved(schema)
        if schema.get("properties"):
            made: Document = next(iter(schema.get("examples", [])), {})
            shape = {
                name: made.get(name) or self.of(each, every=True)
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
                return self.of(schema[word][0], every=every)
        return self._bare(schema)

    def _bare(self, schema: Document) -> Any:
        match schema.get("type"):
            case "integer" | "number":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return False
            case "array":
                return [self.of(schema["items"], every=True)] if "items" in schema else []
            case "object":
                return {}
        return "x" * max(1, schema.get("minLength", 1))


def fields(body: Any, path: Steps = ()) -> Iterator[Steps]:
    """Where in `body` a text is, or nothing is."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield from fields(value, (*path, name))
    elif isinstance(body, list):
        for number, value in enumerate(body[:1]):
            yield from fields(value, (*path, number))
    elif path and (body is None or isinstance(body, str)):
        yield path


def replaced(body: Any, path: Steps, value: str) -> Any:
    """A copy of `body` with another value at `path`."""
    made = copy.deepcopy(body)
    at = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return made
