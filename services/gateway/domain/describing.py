"""The API's description: one OpenAPI document of all services, and a page of it for people."""

import html
import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from libs.common.errors import NotFound
from libs.common.web.health import VERSION

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
_REF = "#/components/schemas/"


class Descriptions:
    """The documents of a folder, merged when somebody first asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def openapi(self) -> bytes:
        """One OpenAPI document. Raises NotFound where there are no documents."""
        return json.dumps(self._merged, ensure_ascii=False).encode()

    @property
    def page(self) -> bytes:
        """A page of it. Raises NotFound where there are no documents."""
        return _page(self._merged).encode()

    @cached_property
    def _merged(self) -> Document:
        files = sorted(self._folder.glob("*.json"))
        if not files:
            raise NotFound("There is no description of the API here.")
        return merge((file.stem, json.loads(file.read_text())) for file in files)


def merge(documents: Iterable[tuple[str, Document]]) -> Document:
    """One document of all public paths. A schema two services name alike is told apart."""
    paths: Document = {}
    schemas: Document = {}
    for service, given in documents:
        document = _told_apart(service, given, schemas)
        schemas |= document.get("components", {}).get("schemas", {})
        public = {p: item for p, item in document["paths"].items() if not p.startswith("/internal")}
        paths |= public
    return {
        "openapi": "3.1.0",
        "info": {"title": "Redress", "version": VERSION},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "security": [{"bearer": []}, {"api_key": []}],
    }


def _told_apart(service: str, document: Document, known: Document) -> Document:
    """`document`, with the schemas renamed that `known` has under the same name otherwise."""
    own = document.get("components", {}).get("schemas", {})
    clashes = {name for name, schema in own.items() if known.get(name, schema) != schema}
    if not clashes:
        return document
    renamed: Document = _renamed(
        document, {_REF + name: f"{_REF}{service}.{name}" for name in clashes}
    )
    schemas = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {
        f"{service}.{name}" if name in clashes else name: schema for name, schema in schemas.items()
    }
    return renamed


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: names.get(child, child)
            if key == "$ref" and isinstance(child, str)
            else _renamed(child, names)
            for key, child in value.items()
        }
    return [_renamed(child, names) for child in value] if isinstance(value, list) else value


def _page(document: Document) -> str:
    """A page without a script: every operation, and what its author says of it."""
    rows = []
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                text = operation.get("description") or operation.get("summary", "")
                old = " class=old" if operation.get("deprecated") else ""
                rows.append(
                    f"<tr{old}><td>{method.upper()}<td><code>{html.escape(path)}</code>"
                    f"<td>{html.escape(text)}"
                )
    style = (
        "body{font:16px/1.5 system-ui;margin:2rem;max-width:80rem}td{vertical-align:top;"
        "padding:.4rem .8rem .4rem 0;white-space:pre-line}.old{opacity:.55}"
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Redress API</title>"
        f"<style>{style}</style><h1>Redress API {html.escape(VERSION)}</h1>"
        "<p>The machine-readable description is <a href=/openapi.json>/openapi.json</a>. "
        "Faded lines are the sources' own paths, kept as aliases.</p>"
        f"<table>{''.join(rows)}</table></html>"
    )
