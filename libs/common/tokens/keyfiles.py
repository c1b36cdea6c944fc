"""Signing keys as files: private halves apart, public halves where every service reads them.

sign/<service>.pem        what the service signs with
sign/<service>.next.pem   what it will sign with, from the time its public half says
public/<service>.json     the JWK set; `retired` halves verify old statements, and no token
"""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from libs.common.tokens.claims import ALGORITHM

Jwk = dict[str, Any]
SIGNS_FROM, SIGNS_UNTIL = "signs_from", "signs_until"
OURS = frozenset({SIGNS_FROM, SIGNS_UNTIL})
"""What we write beside a key, and nobody else needs to know."""


class KeyFiles:
    """Where one service's keys lie."""

    def __init__(self, service: str, keys: Path) -> None:
        self.service = service
        self.current = keys / "sign" / f"{service}.pem"
        self.coming = keys / "sign" / f"{service}.next.pem"
        self.public = keys / "public" / f"{service}.json"

    def document(self) -> dict[str, list[Jwk]]:
        """The public halves, `keys` and `retired`; none when there is no file."""
        try:
            found: dict[str, list[Jwk]] = json.loads(self.public.read_text())
        except FileNotFoundError:
            return {"keys": [], "retired": []}
        return {"keys": found["keys"], "retired": found.get("retired", [])}

    def publish(self, document: dict[str, list[Jwk]]) -> None:
        """Have everybody know these halves."""
        shown = {name: keys for name, keys in document.items() if keys or name == "keys"}
        write(self.public, json.dumps(shown, indent=2).encode(), mode=0o644)

    def changed_at(self) -> tuple[tuple[int, int], ...]:
        """Something that is different once a private half is."""
        return tuple(_stamp(path) for path in (self.coming, self.current))


def public_jwk(service: str, private_pem: bytes) -> Jwk:
    """The public half of a private key. Raises ValueError unless it is an EC P-256 key."""
    key = serialization.load_pem_private_key(private_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ValueError(f"The signing key of {service} is not an EC P-256 key.")
    numbers = key.public_key().public_numbers()
    x, y = (
        base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode()
        for n in (numbers.x, numbers.y)
    )
    thumbprint = hashlib.sha256(f"{x}.{y}".encode()).hexdigest()[:12]
    return {
        "kty": "EC", "crv": "P-256", "alg": ALGORITHM, "use": "sig",
        "kid": f"{service}-{thumbprint}", "x": x, "y": y,
    }  # fmt: skip


def new_private_pem() -> bytes:
    """A new key."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def write(path: Path, content: bytes, *, mode: int) -> None:
    """Write all of it or nothing: another process may be reading."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return found.st_mtime_ns, found.st_ino
