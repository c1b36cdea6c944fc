"""The keyring: the few keys everything at rest hangs on.

A JSON file, backed up apart from the data. It holds wrapping keys by id, one of them active, and
one key that blind indexes are made with. Each service derives keys of its own from them (HKDF), so
a ciphertext of one service means nothing to another.
"""

import base64
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from libs.common.clock import monotonic, utc_now
from libs.common.crypto.sealing import CannotOpen, seal, unseal
from libs.common.logging import get_logger

log = get_logger(__name__)

KEY_BYTES = 32
LOOK_SECONDS = 1.0


class KeyringError(Exception):
    """The keyring is missing, malformed or not the one this data was written with."""


@dataclass(frozen=True)
class Keyring:
    """Wrapping keys by id, the one in use, the one that follows it, and the key of blind indexes.

    A new key lies in the file for a while before anybody writes with it (`next_from`): whoever
    shares the file can read with it by then.
    """

    active: str
    keys: dict[str, bytes]
    index_key: bytes
    next: str | None = None
    next_from: datetime | None = None
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the keyring at `path`. Raises KeyringError when it is missing or malformed."""
        try:
            raw = json.loads(path.read_text())
            keys = {kid: base64.b64decode(key, validate=True) for kid, key in raw["keys"].items()}
            follows = raw.get("next")
            begins = datetime.fromisoformat(raw["next_from"]) if follows else None
            index_key = base64.b64decode(raw["index_key"], validate=True)
            ring = cls(raw["active"], keys, index_key, follows, begins, path)
        except FileNotFoundError:
            raise KeyringError(f"There is no keyring at {path}. `make keys` makes one.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyringError(f"The keyring at {path} is malformed.") from None
        lengths = {len(key) for key in (*ring.keys.values(), ring.index_key)}
        named = {ring.active, ring.next or ring.active}
        if not named <= ring.keys.keys() or lengths != {KEY_BYTES}:
            raise KeyringError(f"The keyring at {path} is malformed.")
        return ring

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new keyring at `path`, readable by its owner only; never overwrites one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        key, index_key = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
        made = cls("k1", {"k1": key}, index_key)
        _write(path, made.to_json())
        return cls.load(path)

    def save(self, path: Path) -> None:
        """Replace the file at `path` in one step: whoever reads it meets the old or the new."""
        aside = path.with_name(f".{path.name}.new")
        aside.unlink(missing_ok=True)
        _write(aside, self.to_json())
        aside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def to_json(self) -> str:
        """What the file holds."""
        raw: dict[str, object] = {
            "active": self.active,
            "keys": {kid: base64.b64encode(key).decode() for kid, key in self.keys.items()},
            "index_key": base64.b64encode(self.index_key).decode(),
        }
        if self.next and self.next_from:
            raw |= {"next": self.next, "next_from": self.next_from.isoformat()}
        return json.dumps(raw, indent=2)

    def writes_with(self, now: datetime) -> str:
        """The id of the key that seals at `now`."""
        if self.next and self.next_from and now >= self.next_from:
            return self.next
        return self.active

    def of(self, service: str) -> "ServiceKeys":
        """The keys of one service, which follow the file as it changes."""
        return ServiceKeys(self, service)


class ServiceKeys:
    """One service's wrapping keys and its index key.

    The file may change while the service runs: it is looked at once a second at most, and read
    again when it was replaced, or when something was sealed with a key it had not held before.
    """

    def __init__(self, ring: Keyring, service: str) -> None:
        self._service = service
        self._ring = ring
        self.index_key = _derive(ring.index_key, f"{service}/index")
        self._seen = _state(ring.path)
        self._looked_at = self._read_at = monotonic()
        self._read_at -= LOOK_SECONDS
        self._take(ring)

    @property
    def active(self) -> str:
        """The id of the key in use."""
        now = monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            seen = _state(self._ring.path)
            if seen != self._seen:
                self._seen = seen
                self._read()
        return self._ring.writes_with(utc_now())

    def wrap(self, value: bytes, *, aad: str) -> bytes:
        """Seal `value` with the active key; the key's id travels in front."""
        active = self.active
        return prefix_of(active) + seal(self._wrapping[active], value, aad)

    def unwrap(self, wrapped: bytes, *, aad: str) -> bytes:
        """Open what `wrap` sealed. Raises CannotOpen."""
        end = 1 + wrapped[0] if wrapped else 0
        key = self._key(wrapped[1:end].decode("ascii", "replace"))
        if key is None:
            raise CannotOpen("sealed with a key this keyring does not hold")
        return unseal(key, wrapped[end:], aad)

    def blind(self, purpose: str, value: str) -> bytes:
        """The blind index of `value`: equal values of one purpose are equal, and that is all."""
        return hmac.digest(self.index_key, f"{purpose}\0{value}".encode(), sha256)

    def _key(self, kid: str) -> AESGCM | None:
        if kid and kid not in self._wrapping and monotonic() - self._read_at >= LOOK_SECONDS:
            self._read()
        return self._wrapping.get(kid)

    def _read(self) -> None:
        """Read the file again; what is not this installation's keyring is not taken over."""
        self._read_at = monotonic()
        if self._ring.path is None:
            return
        try:
            ring = Keyring.load(self._ring.path)
        except (KeyringError, OSError):
            log.warning("keyring.unreadable", service=self._service)
            return
        # Whoever was idle through a whole rotation shares no wrapping key with the file any more.
        shared = ring.keys.keys() & self._ring.keys.keys()
        is_ours = all(ring.keys[kid] == self._ring.keys[kid] for kid in shared)
        if not is_ours or ring.index_key != self._ring.index_key:
            log.error("keyring.foreign", service=self._service)
            return
        self._take(ring)

    def _take(self, ring: Keyring) -> None:
        self._ring = ring
        self._wrapping = {
            kid: AESGCM(_derive(key, f"{self._service}/wrap")) for kid, key in ring.keys.items()
        }


def prefix_of(kid: str) -> bytes:
    """How everything begins that was wrapped with this key."""
    return bytes([len(kid)]) + kid.encode()


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _state(path: Path | None) -> tuple[int, int, int] | None:
    """What tells one version of a file from another."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"redress/{purpose}".encode()).derive(key)
