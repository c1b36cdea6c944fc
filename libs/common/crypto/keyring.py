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
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12


class KeyringError(Exception):
    """The keyring is missing, malformed or not the one this data was written with."""


class CannotOpen(Exception):
    """A sealed value does not open: another key, another place, or it was changed."""


@dataclass(frozen=True)
class Keyring:
    """Wrapping keys by id, the id of the active one, and the key of the blind indexes."""

    active: str
    keys: dict[str, bytes]
    index_key: bytes

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the keyring at `path`. Raises KeyringError when it is missing or malformed."""
        try:
            raw = json.loads(path.read_text())
            keys = {kid: base64.b64decode(key, validate=True) for kid, key in raw["keys"].items()}
            ring = cls(raw["active"], keys, base64.b64decode(raw["index_key"], validate=True))
        except FileNotFoundError:
            raise KeyringError(f"There is no keyring at {path}. `make keys` makes one.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyringError(f"The keyring at {path} is malformed.") from None
        lengths = {len(key) for key in (*ring.keys.values(), ring.index_key)}
        if ring.active not in ring.keys or lengths != {KEY_BYTES}:
            raise KeyringError(f"The keyring at {path} is malformed.")
        return ring

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new keyring at `path`, readable by its owner only; never overwrites one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = {
            "active": "k1",
            "keys": {"k1": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()},
            "index_key": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        }
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(raw, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        return cls.load(path)

    def of(self, service: str) -> "ServiceKeys":
        """The keys of one service."""
        wrapping = {kid: AESGCM(_derive(key, f"{service}/wrap")) for kid, key in self.keys.items()}
        return ServiceKeys(self.active, wrapping, _derive(self.index_key, f"{service}/index"))


@dataclass(frozen=True)
class ServiceKeys:
    """One service's wrapping keys and its index key."""

    active: str
    wrapping: dict[str, AESGCM]
    index_key: bytes

    def wrap(self, value: bytes, *, aad: str) -> bytes:
        """Seal `value` with the active key; the key's id travels in front."""
        kid = self.active.encode()
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self.wrapping[self.active].encrypt(nonce, value, aad.encode())
        return bytes([len(kid)]) + kid + nonce + sealed

    def unwrap(self, wrapped: bytes, *, aad: str) -> bytes:
        """Open what `wrap` sealed. Raises CannotOpen."""
        end = 1 + wrapped[0] if wrapped else 0
        key = self.wrapping.get(wrapped[1:end].decode("ascii", "replace"))
        if key is None:
            raise CannotOpen("sealed with a key this keyring does not hold")
        try:
            nonce = wrapped[end : end + NONCE_BYTES]
            return key.decrypt(nonce, wrapped[end + NONCE_BYTES :], aad.encode())
        except (InvalidTag, ValueError):
            raise CannotOpen("sealed for another place, or changed") from None

    def blind(self, purpose: str, value: str) -> bytes:
        """The blind index of `value`: equal values of one purpose are equal, and that is all."""
        return hmac.digest(self.index_key, f"{purpose}\0{value}".encode(), sha256)


class SubjectKey:
    """The data key of one subject: destroying its row makes all it sealed unreadable."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, place: str, row: str, text: str) -> bytes:
        """Seal `text` for the column `place` (`table.column`) of `row`, and nowhere else."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), f"{place}.{row}".encode())

    def open(self, place: str, row: str, sealed: bytes) -> str:
        """Open what `seal` sealed for that very place. Raises CannotOpen."""
        try:
            nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            return self._cipher.decrypt(nonce, body, f"{place}.{row}".encode()).decode()
        except (InvalidTag, ValueError):
            raise CannotOpen("sealed for another place, or changed") from None


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"redress/{purpose}".encode()).derive(key)
