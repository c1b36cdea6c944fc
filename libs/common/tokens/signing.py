"""Signing: one service's private key, and the one that follows it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from jose import jwk, jws

from libs.common.clock import monotonic, utc_now
from libs.common.ids import new_id
from libs.common.principal import Role, Scope
from libs.common.tokens.claims import (
    ACCESS_TOKEN_SECONDS,
    ALGORITHM,
    ATTESTATION,
    AUDIENCE,
    SERVICE_TOKEN_SECONDS,
)
from libs.common.tokens.keyfiles import SIGNS_FROM, KeyFiles, new_private_pem, public_jwk, write

LOOK_SECONDS = 1.0


class _Key(NamedTuple):
    """A private key, and from when on it signs."""

    jwk: dict[str, Any]
    key: Any
    signs_from: float


class Signer:
    """Signs with one service's private key. A key that is rotated in signs from its time on."""

    def __init__(self, service: str, private_pem: bytes, *, files: KeyFiles | None = None) -> None:
        self.service = service
        self._files = files
        self._current = _key(service, private_pem, 0.0)
        self._coming: _Key | None = None
        self._stamp: object = None
        self._look_at = 0.0

    @classmethod
    def at(cls, service: str, keys: Path) -> "Signer":
        """The signer of `service`, its key made at first start; its public half goes beside it."""
        files = KeyFiles(service, keys)
        if not files.current.exists():
            write(files.current, new_private_pem(), mode=0o600)
        signer = cls(service, files.current.read_bytes(), files=files)
        own = signer._current.jwk
        document = files.document()
        if own["kid"] not in {each["kid"] for each in document["keys"]}:
            files.publish({"keys": [own], "retired": document["retired"]})
        return signer

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The public half of what is signed with now."""
        return self._signing().jwk

    def sign(
        self,
        subject: str,
        role: Role,
        *,
        audience: str = AUDIENCE,
        seconds: int = ACCESS_TOKEN_SECONDS,
        scope: Scope = Scope(),  # noqa: B008 - frozen
        scopes: Iterable[str] = (),
        session: str = "",
        identified: bool = False,
        half: bool = False,
    ) -> str:
        """A token that says `subject` is `role`, good for `seconds`."""
        now = int(utc_now().timestamp())
        claims: dict[str, Any] = {
            "iss": self.service,
            "aud": audience,
            "sub": subject,
            "jti": new_id(),
            "iat": now,
            "exp": now + seconds,
            "typ": "access",
            "role": role.value,
        }
        said = {
            "projects": list(scope.projects),
            "places": list(scope.places),
            "organisations": list(scope.organisations),
            "scope": " ".join(scopes),
            "sid": session,
            "acr": "identified" if identified else None,
            "half": half,
        }
        claims |= {name: value for name, value in said.items() if value}
        return self._signed(claims, {})

    def sign_to(self, peer: str) -> str:
        """A token that says to `peer`: this is a program of ours."""
        return self.sign(
            f"service:{self.service}", Role.SERVICE, audience=peer, seconds=SERVICE_TOKEN_SECONDS
        )

    def attest(self, statement: bytes) -> str:
        """`statement`, signed. It says who somebody is as little as a token says anything else."""
        return self._signed(statement, {"typ": ATTESTATION})

    def _signed(self, said: Any, headers: dict[str, str]) -> str:
        signing = self._signing()
        headers = {"kid": signing.jwk["kid"], **headers}
        return str(jws.sign(said, signing.key, headers=headers, algorithm=ALGORITHM))

    def _signing(self) -> _Key:
        """The key of this moment."""
        now = monotonic()
        if self._files and now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._notice(self._files)
        coming = self._coming
        if coming and coming.signs_from <= utc_now().timestamp():
            return coming
        return self._current

    def _notice(self, files: KeyFiles) -> None:
        """Read the keys again if they were changed.

        The coming one is read first: when it becomes the current one meanwhile, that one is it.
        """
        stamp = files.changed_at()
        if stamp == self._stamp:
            return
        coming = None
        if files.coming.exists():
            pem = files.coming.read_bytes()
            kid = public_jwk(self.service, pem)["kid"]
            known = {each["kid"]: each for each in files.document()["keys"]}
            if kid in known:
                coming = _key(self.service, pem, float(known[kid].get(SIGNS_FROM, 0.0)))
        self._current = _key(self.service, files.current.read_bytes(), 0.0)
        self._coming, self._stamp = coming, stamp


def _key(service: str, pem: bytes, signs_from: float) -> _Key:
    return _Key(public_jwk(service, pem), jwk.construct(pem.decode(), ALGORITHM), signs_from)
