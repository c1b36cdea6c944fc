"""Tokens: ES256 JWTs, verified strictly. The only package that knows python-jose.

python-jose is lenient where we must not be (reliability.md 0.12), so it does one thing here: check
one signature with one key of one algorithm. Everything else is checked by hand: the header, the
key's owner, and a strict model of the claims.
"""

from libs.common.tokens.claims import (
    ACCESS_TOKEN_SECONDS,
    ALGORITHM,
    AUDIENCE,
    ISSUER,
    LEEWAY,
    MAX_LIFE,
    MAX_TOKEN_BYTES,
    SERVICE_TOKEN_SECONDS,
    STREAM_AUDIENCE,
    Claims,
    InvalidToken,
    Known,
    said_by,
)
from libs.common.tokens.public_keys import RELOAD_SECONDS, PublicKeys
from libs.common.tokens.rotating import AFTER_SECONDS, Rotated, UnderWay, rotate
from libs.common.tokens.signing import Signer
from libs.common.tokens.verifying import CACHE_SECONDS, Verifier

__all__ = [
    "ACCESS_TOKEN_SECONDS", "AFTER_SECONDS", "ALGORITHM", "AUDIENCE", "CACHE_SECONDS", "ISSUER",
    "LEEWAY", "MAX_LIFE", "MAX_TOKEN_BYTES", "RELOAD_SECONDS", "SERVICE_TOKEN_SECONDS",
    "STREAM_AUDIENCE", "Claims", "InvalidToken", "Known", "PublicKeys", "Rotated", "Signer",
    "UnderWay", "Verifier", "rotate", "said_by",
]  # fmt: skip
