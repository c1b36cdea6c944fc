"""Every event there is, from the contracts: its topic, what it says, and its JSON Schema."""

import importlib
import inspect
import pkgutil
import re
from functools import cache
from typing import Any

import libs.common.contracts
from libs.common.events import Event

_WORDS = re.compile(r"(?<!^)(?=[A-Z])")
CONTRACTS = libs.common.contracts.__name__


@cache
def topics() -> dict[str, type[Event]]:
    """The events of the contracts by topic."""
    for module in pkgutil.iter_modules(libs.common.contracts.__path__):
        importlib.import_module(f"{CONTRACTS}.{module.name}")
    found: dict[str, type[Event]] = {}
    waiting: list[type[Event]] = [Event]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "topic" in vars(kind) and kind.__module__.startswith(CONTRACTS):
            found[kind.topic] = kind
    return dict(sorted(found.items()))


def json_schema(kind: type[Event]) -> dict[str, Any]:
    """The JSON Schema of the `data` of an event, as published in docs/events."""
    return kind.model_json_schema(by_alias=True, mode="serialization")


def meaning(kind: type[Event]) -> str:
    """What an event says, in its author's words; its name where that says it all."""
    said = vars(kind).get("__doc__")
    return inspect.cleandoc(said) if said else _WORDS.sub(" ", kind.__name__).capitalize() + "."


def owner(kind: type[Event]) -> str:
    """The service that says it."""
    return kind.__module__.rpartition(".")[2]
