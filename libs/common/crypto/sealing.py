"""Sealing: what is written for one place opens there and nowhere else (AES-256-GCM)."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class CannotOpen(Exception):
    """A sealed value does not open: another key, another place, or it was changed."""


class SubjectKey:
    """The data key of one subject: destroying its row makes all it sealed unreadable."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, place: str, row: str, text: str) -> bytes:
        """Seal `text` for the column `place` (`table.column`) of `row`, and nowhere else."""
        return self.seal_bytes(place, row, text.encode())

    def open(self, place: str, row: str, sealed: bytes) -> str:
        """Open what `seal` sealed for that very place. Raises CannotOpen."""
        return self.open_bytes(place, row, sealed).decode()

    def seal_bytes(self, place: str, row: str, value: bytes) -> bytes:
        """Seal `value` as `seal` does a text."""
        return seal(self._cipher, value, f"{place}.{row}")

    def open_bytes(self, place: str, row: str, sealed: bytes) -> bytes:
        """Open what `seal_bytes` sealed for that very place. Raises CannotOpen."""
        return unseal(self._cipher, sealed, f"{place}.{row}")


def seal(cipher: AESGCM, value: bytes, place: str) -> bytes:
    """Seal `value` for `place`; the nonce, a new one each time, goes in front."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, value, place.encode())


def unseal(cipher: AESGCM, sealed: bytes, place: str) -> bytes:
    """Open what `seal` sealed for that very place. Raises CannotOpen."""
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, body, place.encode())
    except (InvalidTag, ValueError):
        raise CannotOpen("sealed for another place, or changed") from None
