"""What we publish about ourselves is what we are: OpenAPI, event schemas, the gateway's table."""

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

import libs.common.contracts
from libs.common.events import Event
from libs.common.settings import SERVICES, SharedSettings
from services.gateway.app import create_app as create_gateway
from services.gateway.settings import GatewaySettings

ROOT = Path(__file__).parents[2]


def compare(path: Path, current: Any, *, update: bool) -> None:
    text = json.dumps(current, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} changed. If you meant it: make snapshots"


def published(app: FastAPI) -> dict[str, Any]:
    document = app.openapi()
    document["paths"] = {
        path: item for path, item in document["paths"].items() if not path.startswith("/internal")
    }
    return document


def events() -> Iterator[type[Event]]:
    for module in pkgutil.iter_modules(libs.common.contracts.__path__):
        importlib.import_module(f"libs.common.contracts.{module.name}")
    found = [Event]
    while found:
        kind = found.pop()
        found += kind.__subclasses__()
        if "topic" in vars(kind) and kind.__module__.startswith(libs.common.contracts.__name__):
            yield kind


def test_what_the_door_answers_itself_is_published_too(
    tmp_path: Path, update_snapshots: bool
) -> None:
    gateway = create_gateway(GatewaySettings(shared=SharedSettings(data_dir=tmp_path)))
    compare(ROOT / "docs/api/gateway.json", published(gateway.front.own), update=update_snapshots)


@pytest.mark.parametrize("service", SERVICES)
def test_the_published_api_is_the_committed_one(
    service: str, build: Callable[[str], FastAPI], update_snapshots: bool
) -> None:
    compare(ROOT / f"docs/api/{service}.json", published(build(service)), update=update_snapshots)


@pytest.mark.parametrize(
    "kind",
    sorted(events(), key=attrgetter("topic")),
    ids=lambda kind: str(getattr(kind, "topic", kind)),
)
def test_the_published_events_are_the_committed_ones(
    kind: type[Event], update_snapshots: bool
) -> None:
    schema = kind.model_json_schema(by_alias=True, mode="serialization")
    compare(ROOT / f"docs/events/{kind.topic}.json", schema, update=update_snapshots)


def test_every_event_has_a_version_and_a_subject() -> None:
    for kind in events():
        assert kind.topic.endswith(".v1")
        assert kind.about in kind.model_fields


def test_the_gateways_table_is_what_the_services_declare(
    build: Callable[[str], FastAPI], update_snapshots: bool
) -> None:
    """Design 4: access is declared once per route; a route without it cannot be built."""
    table = [
        {
            "service": service,
            "path": rule.template,
            "methods": sorted(rule.methods),
            "access": rule.access.to_json(),
        }
        for service in SERVICES
        for rule in build(service).state.table.rules
        if not rule.template.startswith("/internal") and rule.template not in PROBES
    ]
    compare(ROOT / "services/gateway/data/access.json", table, update=update_snapshots)


PROBES = {"/healthz", "/readyz"}
