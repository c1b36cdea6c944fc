"""What the published description shows can be sent as it stands, and is what comes back."""

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, TypeAdapter, create_model

from libs.common.contracts.grievance import GrievanceStatusChanged
from libs.common.db.paging import Cursor
from libs.common.settings import SERVICES, SharedSettings
from services.files.domain import verdict
from services.files.schemas import UploadJson, decoded
from services.gateway.app import create_app as create_gateway
from services.gateway.domain.feeding import FeedCursor
from services.gateway.schemas import FeedPage
from services.gateway.settings import GatewaySettings

JSON = "application/json"
MODULES = ["libs.common.web.responses", *(f"services.{n}.schemas" for n in (*SERVICES, "gateway"))]
WONDERED = {"after", "cursor", "status"}
"""Parameters whose name does not say what to write."""
OWN_CURSORS = {"/api/v1/audit"}
"""An event's id: a position would tell how many rows one does not see."""
READ_BY_ITSELF = {"/api/files": UploadJson, "/api/v1/files": UploadJson, "/upload": UploadJson}
"""Routes that take their body as it arrives: the framework knows no model of it."""


class NotShown(Exception):
    """A reader is left to guess."""


@dataclass(frozen=True)
class Operation:
    name: str
    route: APIRoute
    said: dict[str, Any]
    components: dict[str, Any]

    @property
    def answers(self) -> Iterator[dict[str, Any]]:
        for status, answer in self.said["responses"].items():
            if status.startswith("2") and JSON in answer.get("content", {}):
                yield answer["content"][JSON]["schema"]

    def shown(self, schema: dict[str, Any]) -> Any:
        return shown(schema, self.components)


def shown(schema: dict[str, Any], components: dict[str, Any]) -> Any:
    """What a reader sees: the example of `schema`, or one made of those of its parts."""
    for key in ("examples", "enum"):
        if key in schema:
            return schema[key][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "$ref" in schema:
        return shown(components[schema["$ref"].rpartition("/")[2]], components)
    return composed(schema, components)


def composed(schema: dict[str, Any], components: dict[str, Any]) -> Any:
    if "properties" in schema:
        return {
            name: shown(each, components)
            for name, each in schema["properties"].items()
            if name in schema.get("required", ()) or "examples" in each
        }
    if "anyOf" in schema:
        return shown(schema["anyOf"][0], components)
    if "items" in schema:
        return [shown(schema["items"], components)]
    if schema.get("format") == "binary":
        return "the bytes of a file"
    raise NotShown(json.dumps(schema))


def operations(app: FastAPI, *, under: str = "/") -> list[Operation]:
    document = app.openapi()
    components = document.get("components", {}).get("schemas", {})
    routes = [context.original_route for context in iter_route_contexts(app.routes)]
    return [
        Operation(f"{method} {route.path}", route, said, components)
        for route in routes
        if isinstance(route, APIRoute) and route.include_in_schema
        if route.path.startswith(under) and not route.path.startswith("/internal")
        for method in route.methods or ()
        if (said := document["paths"][route.path_format][method.lower()])
    ]


def shapes() -> Iterator[ModuleType]:
    """The modules with shapes of the wire; of a package, those in it."""
    for module in map(importlib.import_module, MODULES):
        yield module
        for inner in pkgutil.iter_modules(getattr(module, "__path__", [])):
            yield importlib.import_module(f"{module.__name__}.{inner.name}")


def models() -> list[type[BaseModel]]:
    return [
        kind
        for module in shapes()
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        if kind.__module__ == module.__name__
    ]


@pytest.fixture
def own(tmp_path: Path) -> FastAPI:
    """What the gateway answers itself; /health and /version are the domain's, not schemas'."""
    settings = GatewaySettings(shared=SharedSettings(data_dir=tmp_path))
    app: FastAPI = create_gateway(settings).front.own
    return app


@pytest.mark.parametrize("kind", models(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_example_is_one_of_its_model(kind: type[BaseModel]) -> None:
    extra = kind.model_config.get("json_schema_extra") or {}
    assert isinstance(extra, dict)
    for body in TypeAdapter(list[dict[str, Any]]).validate_python(extra.get("examples", [])):
        kind.model_validate_json(json.dumps(body))

    for name, field in kind.model_fields.items():
        shape: Any = (field.annotation, field)
        alone = create_model(name, value=shape)
        for value in field.examples or ():
            alone.model_validate_json(json.dumps({field.alias or "value": value}))


@pytest.mark.parametrize("service", SERVICES)
def test_every_body_is_shown_and_would_be_taken(
    service: str, build: Callable[[str], FastAPI]
) -> None:
    for operation in operations(build(service)):
        content = operation.said.get("requestBody", {}).get("content", {})
        field = operation.route.body_field
        kind: Any = (
            field.field_info.annotation if field else READ_BY_ITSELF.get(operation.route.path)
        )
        for media_type, body in content.items():
            said = operation.shown(body["schema"])
            assert said, f"{operation.name} shows an empty body"
            if media_type != "multipart/form-data":
                TypeAdapter(kind).validate_json(json.dumps(said))


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_is_shown_as_it_comes(service: str, build: Callable[[str], FastAPI]) -> None:
    check_answers(operations(build(service)))


def test_what_the_door_answers_itself_is_shown_too(own: FastAPI) -> None:
    check_answers(operations(own, under="/api/"))


def check_answers(found: list[Operation]) -> None:
    assert found
    for operation in found:
        for schema in operation.answers:
            said = operation.shown(schema)
            assert operation.route.response_model is not None, operation.name
            TypeAdapter(operation.route.response_model).validate_json(json.dumps(said))


@pytest.mark.parametrize("service", SERVICES)
def test_a_parameter_one_would_wonder_about_is_shown(
    service: str, build: Callable[[str], FastAPI]
) -> None:
    for operation in operations(build(service)):
        for parameter in operation.said.get("parameters", ()):
            if parameter["name"] in WONDERED:
                [example, *_] = parameter["schema"].get("examples", [None])
                assert example, f"{operation.name} does not show {parameter['name']}"
            if parameter["name"] == "cursor" and operation.route.path not in OWN_CURSORS:
                Cursor.parse(parameter["schema"]["examples"][0])


def test_the_feeds_example_is_an_event_and_goes_on() -> None:
    extra: Any = FeedPage.model_config["json_schema_extra"]
    [page] = map(FeedPage.model_validate, extra["examples"])

    [event] = page.items
    assert GrievanceStatusChanged.model_validate(event.data).model_dump() == event.data
    assert event.type == GrievanceStatusChanged.topic
    assert sum(FeedCursor.parse(page.next_cursor).positions) > 0


def test_the_picture_that_is_shown_is_taken() -> None:
    [picture] = UploadJson.model_fields["file_data"].examples or []

    verdict.judge(decoded(picture))
