"""A thousand different tokens, and some that must be refused."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from libs.common.principal import Role
from libs.common.tokens import Signer

TOKENS = 1_000
LONG_AGO = -3_600


@dataclass(frozen=True)
class Credentials:
    """The installation's keys, and tokens signed with them."""

    keys: Path
    public_pem: Path
    tokens: Path
    """One a line."""
    one: str
    refused: dict[str, str | None]
    """By what is wrong with it."""

    @classmethod
    def make(cls, folder: Path) -> "Credentials":
        """Make them in `folder`."""
        keys = folder / "keys"
        users, gateway = (Signer.at(name, keys) for name in ("users", "gateway"))
        tokens = [
            users.sign(f"bench:{number}", Role.GUEST if number % 2 else Role.CITIZEN)
            for number in range(TOKENS)
        ]
        path, pem = folder / "tokens", folder / "users.pub.pem"
        path.write_text("\n".join(tokens) + "\n")
        private = load_pem_private_key((keys / "sign" / "users.pem").read_bytes(), None)
        public = private.public_key()
        pem.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        refused = {
            "no token": None,
            "signature of another": tokens[0].rpartition(".")[0] + _signature(tokens[1]),
            "expired": users.sign("bench:old", Role.GUEST, seconds=LONG_AGO),
            "for somebody else": users.sign("bench:lost", Role.GUEST, audience="somebody"),
            "of another issuer": gateway.sign("bench:false", Role.GUEST),
        }
        return cls(keys, pem, path, tokens[0], refused)


def _signature(token: str) -> str:
    return "." + token.rpartition(".")[2]
