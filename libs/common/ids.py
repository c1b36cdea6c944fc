"""Identifiers: time-ordered UUIDs for machines, readable references for people."""

import re
import secrets
import time
from itertools import count
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so a reference survives a bad phone line."""

REQUEST_ID = re.compile(rb"(?i:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
"""An id a caller may give a request: a UUID. It is logged, and a freer one could be a phone."""

_SERIES = secrets.token_hex(8)
_COUNT = count(secrets.randbits(63))


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562): sorts by creation time, so it is a good primary key."""
    millis = time.time_ns() // 1_000_000
    bits = secrets.randbits(74)
    value = (millis << 80) | (0x7 << 76) | ((bits >> 62) << 64) | (0b10 << 62)
    return UUID(int=value | (bits & (2**62 - 1)))


def new_id() -> str:
    """A UUIDv7 as text: the id of everything machines name."""
    return str(uuid7())


def quick_id() -> str:
    """An id for a log line: it is nobody else's, is no secret, and costs little."""
    return _SERIES + f"{next(_COUNT):016x}"


def reference(prefix: str, year: int) -> str:
    """A reference people can read aloud, not guessable from another: `GRV-2026-7K3MQX-4`.

    Six random symbols give 10^9 references a year and prefix; the last one is a check digit, so
    a mistyped reference is told apart from an unknown one.
    """
    body = "".join(secrets.choice(ALPHABET) for _ in range(6))
    return f"{prefix}-{year}-{body}-{check_symbol(str(year) + body)}"


def check_symbol(text: str) -> str:
    """The symbol that catches a wrong symbol or a swap in `text`, bar one pair (0 and Z)."""
    total = 0
    for symbol in text:
        total = (total * 3 + ALPHABET.index(symbol)) % 31
    return ALPHABET[total]


def digits(length: int) -> str:
    """`length` random decimal digits: a code a citizen writes down."""
    return "".join(secrets.choice("0123456789") for _ in range(length))
