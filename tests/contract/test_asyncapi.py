"""What we say we say: docs/asyncapi.json, of the contracts, held against the official schema."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.events import Envelope
from services.gateway.domain.asyncapi import document
from services.gateway.domain.catalogue import topics
from tests.contract.test_documents import ROOT, compare, events

SPECS = "node_modules/@asyncapi/specs/schemas/3.0.0.json"
MISSING = "no official schema here: npm install @asyncapi/specs, or name it in ASYNCAPI_SCHEMA"


def official() -> Any:
    """A validator of the official AsyncAPI 3.0 JSON Schema, where that is installed."""
    named = os.environ.get("ASYNCAPI_SCHEMA")
    found = [Path(named)] if named else [*ROOT.glob(SPECS), *ROOT.glob(f"*/{SPECS}")]
    if not found:
        pytest.skip(MISSING)
    return validator(json.loads(found[0].read_text()))


def validator(schema: dict[str, Any]) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    return jsonschema.validators.validator_for(schema)(schema)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "$ref":
                yield child
            else:
                yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def test_the_published_asyncapi_is_the_committed_one(update_snapshots: bool) -> None:
    """Issue 3: an AsyncAPI 3.0 document, generated."""
    compare(ROOT / "docs/asyncapi.json", document(), update=update_snapshots)


def test_it_is_valid_asyncapi_3() -> None:
    """Issue 3: validated against the official schema; a slip in it would be seen."""
    schema = official()
    assert [error.message for error in schema.iter_errors(document())] == []
    broken = document()
    broken["channels"]["feed"]["adress"] = broken["channels"]["feed"].pop("address")
    assert list(schema.iter_errors(broken))


def test_every_reference_in_it_leads_somewhere() -> None:
    whole = document()
    seen = set(references(whole))
    assert len(seen) > len(topics())
    for each in seen:
        found: Any = whole
        for step in each.removeprefix("#/").split("/"):
            found = found[step]


def test_every_event_is_a_channel_and_in_the_feed() -> None:
    """Guarantee 8: every business fact is an event with a JSON Schema."""
    whole = document()
    every = {kind.topic for kind in events()}
    assert set(topics()) == every
    assert every <= whole["channels"].keys()
    assert whole["channels"]["feed"]["messages"].keys() == every
    assert {f"say.{topic}" for topic in every} <= whole["operations"].keys()


def test_a_real_event_is_what_the_document_says() -> None:
    whole = document()
    fact = GrievanceSubmitted(
        grievance_id="G", channel="web", filed_by="user:1", has_contact=False, file_ids=[]
    )
    said = json.loads(Envelope.of(fact, source="grievance").to_bytes())
    schema = {
        **whole["components"]["messages"][fact.topic]["payload"],
        "components": whole["components"],
    }
    check = validator({"$schema": "http://json-schema.org/draft-07/schema#", **schema})

    assert [error.message for error in check.iter_errors(said)] == []
    assert list(check.iter_errors({**said, "type": "grievance.sung.v1"}))
    assert list(check.iter_errors({**said, "data": {"grievance_id": 7}}))
