"""Tokens: ES256 JWTs, verified strictly. The only file that knows python-jose.

python-jose is lenient where we must not be (reliability.md 0.12), so it does one thing here: check
one signature with one key of one algorithm. Everything else is checked by hand: the header, the
key's owner, and a strict model of the claims.
"""

import base64
import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk, jws
from jose.exceptions import JOSEError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.common.clock import monotonic, utc_now
from libs.common.errors import Unauthenticated
from libs.common.ids import new_id
from libs.common.principal import Principal, Role, Scope

ALGORITHM = "ES256"
AUDIENCE = "redress"
STREAM_AUDIENCE = "redress:stream"
"""Whom a ticket is for: it opens one stream of events, and nothing else."""
ISSUER = "users"
LEEWAY = 60
MAX_TOKEN_BYTES = 8192
DOTS = 2
MAX_LIFE = 24 * 3600
CACHE_SIZE = 10_000
CACHE_SECONDS = 60.0
"""A signature that holds goes on holding; a token that is taken back is on a list of its own."""
RELOAD_SECONDS = 30.0
SERVICE_TOKEN_SECONDS = 60
ACCESS_TOKEN_SECONDS = 15 * 60


class InvalidToken(Unauthenticated):
    """The token is malformed, expired, not for us, or not signed by whom it says."""

    code = "INVALID_TOKEN"


class Claims(BaseModel):
    """What a token must say, and all that it may."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    iss: str = Field(min_length=1, max_length=100)
    aud: str = Field(min_length=1, max_length=100)
    sub: str = Field(min_length=1, max_length=100)
    jti: str = Field(min_length=1, max_length=100)
    iat: int = Field(ge=0, le=2**40)
    exp: int = Field(ge=0, le=2**40)
    nbf: int | None = Field(default=None, ge=0, le=2**40)
    typ: Literal["access"]
    role: str = Field(max_length=50)
    projects: list[str] = Field(default_factory=list, max_length=100)
    places: list[str] = Field(default_factory=list, max_length=1000)
    scope: str = Field(default="", max_length=4000)
    """What an API key was made for, in words apart by blanks (RFC 9068)."""

    def principal(self) -> Principal:
        """Whom these claims speak of. Raises InvalidToken for a role nobody has."""
        try:
            role = Role(self.role)
        except ValueError:
            raise InvalidToken("The token names no role of ours.") from None
        scope = Scope(tuple(self.projects), tuple(self.places))
        return Principal(self.sub, role, scope, frozenset(self.scope.split()))


class Known(NamedTuple):
    """Whom a token speaks of, and until when, on the monotonic clock, that needs no second look."""

    principal: Principal
    until: float


class Signer:
    """Signs with one service's private key."""

    def __init__(self, service: str, private_pem: bytes) -> None:
        key = serialization.load_pem_private_key(private_pem, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise ValueError(f"The signing key of {service} is not an EC P-256 key.")
        self.service = service
        self.public_jwk = _public_jwk(service, key.public_key())
        self._key = jwk.construct(private_pem.decode(), ALGORITHM)

    @classmethod
    def at(cls, service: str, keys: Path) -> "Signer":
        """The signer of `service`, its key made at first start; its public half goes beside it."""
        path = keys / "sign" / f"{service}.pem"
        if not path.exists():
            _write(path, _new_private_pem(), mode=0o600)
        signer = cls(service, path.read_bytes())
        public = keys / "public" / f"{service}.json"
        document = json.dumps({"keys": [signer.public_jwk]}, indent=2).encode()
        if not public.exists() or public.read_bytes() != document:
            _write(public, document, mode=0o644)
        return signer

    def sign(
        self,
        subject: str,
        role: Role,
        *,
        audience: str = AUDIENCE,
        seconds: int = ACCESS_TOKEN_SECONDS,
        scope: Scope = Scope(),  # noqa: B008 - frozen
        scopes: Iterable[str] = (),
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
        if scope.projects:
            claims["projects"] = list(scope.projects)
        if scope.places:
            claims["places"] = list(scope.places)
        if words := " ".join(scopes):
            claims["scope"] = words
        headers = {"kid": self.public_jwk["kid"]}
        return str(jws.sign(claims, self._key, headers=headers, algorithm=ALGORITHM))

    def sign_to(self, peer: str) -> str:
        """A token that says to `peer`: this is a program of ours."""
        return self.sign(
            f"service:{self.service}", Role.SERVICE, audience=peer, seconds=SERVICE_TOKEN_SECONDS
        )


class PublicKeys:
    """The public keys of the installation's services: a folder of JWK sets, by key id."""

    def __init__(self, keys: Path) -> None:
        self._folder = keys / "public"
        self._by_kid: dict[str, tuple[str, Any]] = {}
        self._read_at = float("-inf")

    def find(self, kid: str) -> tuple[str, Any] | None:
        """The owner and key of `kid`; an unknown one is looked for again at most every 30 s."""
        if kid not in self._by_kid and monotonic() - self._read_at > RELOAD_SECONDS:
            self._read_at = monotonic()
            self._by_kid = dict(self._read())
        return self._by_kid.get(kid)

    def documents(self, service: str) -> list[dict[str, Any]]:
        """The JWKs of one service, as published at `/.well-known/jwks.json`."""
        document = json.loads((self._folder / f"{service}.json").read_text())
        return list(document["keys"])

    def _read(self) -> list[tuple[str, tuple[str, Any]]]:
        return [
            (key["kid"], (path.stem, jwk.construct(key, ALGORITHM)))
            for path in sorted(self._folder.glob("*.json"))
            for key in json.loads(path.read_text())["keys"]
        ]


class Verifier:
    """Answers who a token speaks of, for one audience of ours."""

    def __init__(self, keys: PublicKeys, service: str, *, audience: str = AUDIENCE) -> None:
        self._keys = keys
        self._service = service
        self._audience = audience
        self._cache: OrderedDict[bytes, Known] = OrderedDict()

    def verify(self, token: str) -> Principal:
        """The principal of `token`. Raises InvalidToken."""
        return self.look(token).principal

    def look(self, token: str) -> Known:
        """What is known of `token`. Raises InvalidToken.

        A good answer is remembered for a minute: a signature costs 100 µs, a lookup 1 µs.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        now = monotonic()
        known = self._cache.get(digest)
        if known and known.until > now:
            return known
        claims = self._checked(token)
        principal = claims.principal()
        left = claims.exp + LEEWAY - utc_now().timestamp()
        known = self._cache[digest] = Known(principal, now + min(CACHE_SECONDS, left))
        if len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return known

    def _checked(self, token: str) -> Claims:
        owner, payload = self._signed(token)
        try:
            claims = Claims.model_validate(json.loads(payload, object_pairs_hook=_once))
        except (ValidationError, ValueError, RecursionError):
            raise InvalidToken("The token's claims are malformed.") from None
        now = utc_now().timestamp()
        if claims.iss != owner or (owner != ISSUER and claims.role != Role.SERVICE):
            raise InvalidToken("The token's issuer may not say this.")
        if claims.aud != (
            self._audience if owner == ISSUER and claims.role != Role.SERVICE else self._service
        ):
            raise InvalidToken("The token is for somebody else.")
        if (
            not claims.iat - LEEWAY <= now <= claims.exp + LEEWAY
            or claims.exp - claims.iat > MAX_LIFE
        ):
            raise InvalidToken("The token is not valid at this time.")
        if claims.nbf is not None and claims.nbf > now + LEEWAY:
            raise InvalidToken("The token is not valid yet.")
        return claims

    def _signed(self, token: str) -> tuple[str, bytes]:
        if len(token) > MAX_TOKEN_BYTES or token.count(".") != DOTS or not token.isascii():
            raise InvalidToken("The token is malformed.")
        header = _header(token)
        kid = header.get("kid")
        if (
            header.get("alg") != ALGORITHM
            or not isinstance(kid, str)
            or header.keys() - {"alg", "typ", "kid"}
        ):
            raise InvalidToken("The token's header is not one of ours.")
        found = self._keys.find(kid)
        if found is None:
            raise InvalidToken("The token is signed with an unknown key.")
        owner, key = found
        try:
            return owner, jws.verify(token, key, algorithms=[ALGORITHM])
        except (JOSEError, ValueError, TypeError):
            raise InvalidToken("The token's signature does not hold.") from None


def said_by(token: str) -> dict[str, Any]:
    """What a token says, for what no principal carries. Only of one that was verified before."""
    segment = token.split(".")[1]
    padded = segment + "=" * (-len(segment) % 4)
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(padded))
    return said


def _header(token: str) -> dict[str, Any]:
    segment = token.partition(".")[0]
    try:
        padded = segment + "=" * (-len(segment) % 4)
        header = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise InvalidToken("The token is malformed.") from None
    if not isinstance(header, dict):
        raise InvalidToken("The token is malformed.")
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    claims = dict(pairs)
    if len(claims) != len(pairs):
        raise ValueError("a claim is said twice")
    return claims


def _public_jwk(service: str, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    numbers = key.public_numbers()
    x, y = (
        base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode()
        for n in (numbers.x, numbers.y)
    )
    thumbprint = hashlib.sha256(f"{x}.{y}".encode()).hexdigest()[:12]
    return {
        "kty": "EC", "crv": "P-256", "alg": ALGORITHM, "use": "sig",
        "kid": f"{service}-{thumbprint}", "x": x, "y": y,
    }  # fmt: skip


def _new_private_pem() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Write all of it or nothing: another process may be reading."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
    part.replace(path)
