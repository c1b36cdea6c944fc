"""What a body may hold is what its route names: nothing else is taken in (mass assignment)."""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI

from libs.common.settings import SERVICES

FEW = 30


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON body, by the route that reads it."""
    for template, item in document["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                yield f"{method.upper()} {template}", body["schema"]


def objects(schema: Any, document: dict[str, Any], path: str = "") -> Iterator[tuple[str, bool]]:
    """Every object in a body, and whether it takes in what it does not name."""
    if isinstance(schema, list):
        for each in schema:
            yield from objects(each, document, path)
    elif isinstance(schema, dict):
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield from objects(document["components"]["schemas"][name], document, f"{path}/{name}")
        if "properties" in schema:
            yield path, schema.get("additionalProperties") is not False
        for key, each in schema.items():
            if key not in {"examples", "$ref"}:
                yield from objects(each, document, path)


def test_no_body_takes_in_what_it_does_not_name(build: Callable[[str], FastAPI]) -> None:
    """Reliability 3 row 4: extra fields are refused, on every route there is or will be."""
    documents = [build(service).openapi() for service in SERVICES]
    found = [
        (name, path, is_open)
        for document in documents
        for name, schema in bodies(document)
        for path, is_open in objects(schema, document)
    ]

    assert len(found) > FEW
    assert [each for each in found if each[2]] == []
