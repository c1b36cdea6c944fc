"""Another key for the keyring, in steps that may each be repeated, while everybody serves on.

A key is added and lies in the file before anybody writes with it; what older ones wrapped is
wrapped again (`db/rewrapping.py`); and once nothing hangs on the older ones, they are taken out.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from libs.common.crypto.keyring import KEY_BYTES, Keyring

GRACE_SECONDS = 10.0
"""How long everybody has to read a new key: each looks within a second of meeting it."""
SETTLE = timedelta(seconds=12)
"""How long what was wrapped with the older key may take to be written: a transaction's life."""
_NUMBERED = re.compile(r"k(\d{1,6})")


def begin(path: Path, *, now: datetime, grace: float = GRACE_SECONDS) -> Keyring:
    """Add a key that is written with from `grace` seconds after `now`.

    A rotation that was begun and not ended is gone on with: no other key is added.
    """
    with alone(path.parent):
        ring = Keyring.load(path)
        if len(ring.keys) > 1:
            return ring
        numbers = [int(match[1]) for kid in ring.keys if (match := _NUMBERED.fullmatch(kid))]
        kid = f"k{max(numbers, default=0) + 1}"
        keys = {**ring.keys, kid: secrets.token_bytes(KEY_BYTES)}
        begins = now + timedelta(seconds=grace)
        Keyring(ring.active, keys, ring.index_key, kid, begins).save(path)
        return Keyring.load(path)


def is_settled(ring: Keyring, *, now: datetime) -> bool:
    """Whether nobody can be writing with an older key any more."""
    return ring.next_from is None or now >= ring.next_from + SETTLE


def retire(path: Path, *, now: datetime) -> tuple[str, ...]:
    """Take every key out but the one in use; answer which. Nothing may hang on them any more."""
    with alone(path.parent):
        ring = Keyring.load(path)
        kept = ring.writes_with(now)
        gone = tuple(sorted(ring.keys.keys() - {kept}))
        if gone or ring.next:
            Keyring(kept, {kept: ring.keys[kept]}, ring.index_key).save(path)
        return gone


@contextmanager
def alone(keys: Path) -> Iterator[None]:
    """Whoever else changes keys in this folder waits: of two new ones, readers would lose one."""
    keys.mkdir(parents=True, exist_ok=True)
    folder = os.open(keys, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
