"""The access table: which service answers a path, and who may ask. Generated, committed."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from libs.common.web.auth import Access

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_PARAMETER = re.compile(r"\{(?P<name>\w+)(?P<rest>:path)?\}")


@dataclass(frozen=True, eq=False)
class Entry:
    """One route of one service."""

    service: str
    template: str
    methods: frozenset[str]
    access: Access

    @cached_property
    def is_open(self) -> bool:
        """Whether nobody is asked who they are."""
        return self.access.is_public

    @cached_property
    def level(self) -> str:
        """How well a caller has to be known."""
        return self.access.level.name.lower()


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a path: the entry that answers, or the methods that would be answered."""

    entry: Entry | None
    methods: frozenset[str]


class AccessTable:
    """Finds the entry of a request: exact paths first, then templates in the order declared."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._exact: dict[str, list[Entry]] = {}
        self._templates: dict[int, list[tuple[re.Pattern[str], Entry]]] = {}
        self._open: list[tuple[re.Pattern[str], Entry]] = []
        for entry in entries:
            if "{" not in entry.template:
                self._exact.setdefault(entry.template, []).append(entry)
            elif ":path}" in entry.template:
                self._open.append((_pattern(entry.template), entry))
            else:
                same_depth = self._templates.setdefault(entry.template.count("/"), [])
                same_depth.append((_pattern(entry.template), entry))
        self._found = {
            (method, path): self._choose(method, found)
            for path, found in self._exact.items()
            for method in METHODS
        }

    @classmethod
    def read(cls, file: Path, own: Iterable[Entry] = ()) -> "AccessTable":
        """The table in `file`, and what the door answers itself."""
        return cls([*own, *(_entry(raw) for raw in json.loads(file.read_text()))])

    def find(self, method: str, path: str) -> Found:
        """What answers `method path`. HEAD is answered wherever GET is."""
        return self._found.get((method, path)) or self._choose(method, self._matching(path))

    def _choose(self, method: str, entries: Sequence[Entry]) -> Found:
        methods: frozenset[str] = frozenset()
        for entry in entries:
            if method in entry.methods:
                return Found(entry, entry.methods)
            methods |= entry.methods
        if method == "HEAD" and "GET" in methods:
            return self._choose("GET", entries)
        return Found(None, methods)

    def _matching(self, path: str) -> list[Entry]:
        if path in self._exact:
            return self._exact[path]
        depth = self._templates.get(path.count("/"), [])
        found = [entry for pattern, entry in depth if pattern.fullmatch(path)]
        return found or [entry for pattern, entry in self._open if pattern.fullmatch(path)]


def _entry(raw: dict[str, Any]) -> Entry:
    methods, access = frozenset(raw["methods"]), Access.from_json(raw["access"])
    return Entry(raw["service"], raw["path"], methods, access)


def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    end = 0
    for match in _PARAMETER.finditer(template):
        parts += [re.escape(template[end : match.start()]), ".+" if match["rest"] else "[^/]+"]
        end = match.end()
    return re.compile("".join([*parts, re.escape(template[end:])]))
