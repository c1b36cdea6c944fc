"""Verifying: one signature with one key of one algorithm; everything else is checked by hand."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Container

from jose import jws
from jose.exceptions import JOSEError
from pydantic import ValidationError

from libs.common.clock import monotonic, utc_now
from libs.common.principal import Principal, Role
from libs.common.tokens.claims import (
    ALGORITHM,
    AUDIENCE,
    ISSUER,
    LEEWAY,
    MAX_LIFE,
    Claims,
    InvalidToken,
    Known,
    key_of,
    once,
)
from libs.common.tokens.public_keys import PublicKeys

CACHE_SIZE = 10_000
CACHE_SECONDS = 30.0
"""A signature that holds goes on holding; a token that is taken back is on a list of its own."""
TYPES = ("JWT", "at+jwt")
"""What tokens call themselves (RFC 7519, RFC 9068); what is signed and is no token says so, too."""


class Verifier:
    """Answers who a token speaks of, for one audience of ours."""

    def __init__(
        self,
        keys: PublicKeys,
        service: str,
        *,
        audience: str = AUDIENCE,
        revoked: Container[str] = (),
    ) -> None:
        self._keys = keys
        self._service = service
        self._audience = audience
        self.revoked = revoked
        self._cache: OrderedDict[bytes, Known] = OrderedDict()
        self._generation = 0

    def verify(self, token: str, *, half: bool = False) -> Principal:
        """The principal of `token`; only with `half`, one whose second factor is still to come.

        Raises InvalidToken.
        """
        return self.look(token, half=half).principal

    def look(self, token: str, *, half: bool = False) -> Known:
        """What is known of `token`. Raises InvalidToken.

        A good answer is remembered for a while: a signature costs 100 µs, a lookup 1 µs. Whether
        its session was ended is asked each time.
        """
        known = self._found(token)
        principal = known.principal
        if principal.session in self.revoked:
            raise InvalidToken("The session was ended. Sign in again.")
        if principal.is_half and not half:
            raise InvalidToken("The second factor is missing.")
        return known

    def _found(self, token: str) -> Known:
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        now = monotonic()
        self._keys.keep_up(now)
        if self._generation != self._keys.generation:
            self._generation = self._keys.generation
            self._cache.clear()
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
            claims = Claims.model_validate(json.loads(payload, object_pairs_hook=once))
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
        found = self._keys.find(key_of(token, TYPES))
        if found is None:
            raise InvalidToken("The token is signed with an unknown key.")
        owner, key = found
        try:
            return owner, jws.verify(token, key, algorithms=[ALGORITHM])
        except (JOSEError, ValueError, TypeError):
            raise InvalidToken("The token's signature does not hold.") from None
