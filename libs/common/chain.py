"""A hash chain: each row is bound to its place and to the row before it. No I/O here.

What an attacker can do to rows and cannot hide: change one, take one out, put one in, swap two.
Whoever can rewrite everything can also rewrite the tail and its head; that is why heads are sealed
day by day, and seals are kept elsewhere.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

GENESIS = bytes(hashlib.sha256().digest_size)
"""What the first row follows."""
_PURPOSE = b"redress chain 1\0"
"""A hash made for anything else is never a link of a chain."""
PLACE_BYTES = 8
_SPELLING = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_AS_IT_IS = frozenset({str, int, bool, type(None)})


@dataclass(frozen=True, slots=True)
class Link:
    """A row as it is kept: its place, what it follows, and the hash of both with its content."""

    position: int
    previous: bytes
    hash: bytes
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a chain was at a position, as its head or a seal says."""

    position: int
    hash: bytes
    name: str = "the head"


class Fault(StrEnum):
    """What was done to a row."""

    CHANGED = "its content was changed"
    REPLACED = "it was replaced by another row"
    MISSING = "it was deleted"
    INSERTED = "it was put in later"
    MOVED = "it stood elsewhere: rows were swapped, or numbered anew"
    CUT = "it was cut off, with whatever came after it"
    UNKNOWN = "the head does not know of it"
    RESEALED = "it is not the row that was sealed"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first row that is not what was written."""

    position: int
    fault: Fault
    witness: str | None = None
    """Which head or seal says so, where the rows themselves would not."""

    def __str__(self) -> str:
        said_by = f" ({self.witness} tells)" if self.witness else ""
        return f"row {self.position}: {self.fault}{said_by}"


def canonical(row: Mapping[str, Any]) -> bytes:
    """The one spelling of a row: sorted keys, UTF-8, times in UTC to the microsecond."""
    return _SPELLING.encode(_plain(row)).encode()


def link(previous: bytes, position: int, row: Mapping[str, Any]) -> bytes:
    """The hash of a row that stands at `position` and follows the row that hashes to `previous`."""
    place = position.to_bytes(PLACE_BYTES, "big")
    return hashlib.sha256(_PURPOSE + place + previous + canonical(row)).digest()


class Walk:
    """A chain, read from the beginning; stops at the first row that is not what was written."""

    def __init__(self, seals: Iterable[Mark] = ()) -> None:
        self.last = Mark(0, GENESIS)
        self._before = GENESIS
        self._seals: dict[int, list[Mark]] = {}
        for seal in seals:
            self._seals.setdefault(seal.position, []).append(seal)

    def step(self, found: Link) -> Broken | None:
        """Read one row more."""
        broken = self._sealed_otherwise() or self._follows(found)
        if broken is None:
            self._before = self.last.hash
            self.last = Mark(found.position, found.hash)
        return broken

    def end(self, head: Mark | None) -> Broken | None:
        """What is wrong with how the chain ends; `head` is none for a chain never begun."""
        head = head or Mark(0, GENESIS)
        last = self.last
        ends = [head, *(seal for same in self._seals.values() for seal in same)]
        if broken := self._sealed_otherwise():
            return broken
        if beyond := next((mark for mark in ends if mark.position > last.position), None):
            return Broken(last.position + 1, Fault.CUT, beyond.name)
        if head.position < last.position:
            return Broken(head.position + 1, Fault.UNKNOWN, head.name)
        if head.hash != last.hash:
            return Broken(last.position, Fault.REPLACED, head.name)
        return None

    def _sealed_otherwise(self) -> Broken | None:
        for seal in self._seals.get(self.last.position, ()):
            if seal.hash != self.last.hash:
                return Broken(self.last.position, Fault.RESEALED, seal.name)
        return None

    def _follows(self, found: Link) -> Broken | None:
        expected = self.last.position + 1
        if found.position > expected:
            return Broken(expected, Fault.MISSING)
        if found.position < expected:
            return Broken(found.position, Fault.INSERTED)
        is_whole = link(found.previous, expected, found.row) == found.hash
        if is_whole and found.previous == self.last.hash:
            return None
        return self._broken(found, is_whole=is_whole)

    def _broken(self, found: Link, *, is_whole: bool) -> Broken:
        """Whether it is this row, or the one before it, that is not what was written."""
        position, before = self.last.position + 1, self.last.position
        if is_whole:
            return Broken(max(before, 1), Fault.REPLACED)
        if found.previous == self.last.hash:
            return Broken(position, Fault.CHANGED)
        if link(self._before, before, found.row) == found.hash:
            return Broken(before, Fault.INSERTED)
        return Broken(position, Fault.MOVED)


def verify(rows: Iterable[Link], *, head: Mark | None, seals: Iterable[Mark] = ()) -> Broken | None:
    """The first of `rows` (in their order) that is not what was written; None when all are."""
    walk = Walk(seals)
    for found in rows:
        if broken := walk.step(found):
            return broken
    return walk.end(head)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, Mapping):
        return {
            str(name): each if type(each) in _AS_IT_IS else _plain(each)
            for name, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # PostgreSQL's JSONB gives 1e22 back as an integer
    return value
