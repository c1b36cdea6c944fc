"""Who asks: the holder of a token, or of an API key that becomes one."""

from collections.abc import Sequence

from libs.common.clock import monotonic
from libs.common.errors import AppError, Unauthenticated
from libs.common.tokens import InvalidToken, Known, Verifier
from libs.common.web.guard import bearer
from services.gateway.domain.allowances import Charge
from services.gateway.domain.asking import Asked
from services.gateway.domain.exchanging import PREFIX, KeyExchange
from services.gateway.domain.remembering import keep
from services.gateway.domain.ways import Way

MAX_KNOWN = 10_000
BEARER = "Bearer "


class Terms:
    """On what terms a request is let in."""

    __slots__ = ("charges", "refused")

    def __init__(self, charges: Sequence[Charge], refused: AppError | None) -> None:
        self.charges = charges
        self.refused = refused
        """What it is refused with, after it was paid for."""


class Caller:
    """Who showed a token lately, and on what terms they were let in."""

    __slots__ = ("principal", "terms", "token", "until")

    def __init__(self, token: str, known: Known) -> None:
        self.token = token.encode()
        self.principal, self.until = known
        self.terms: dict[Way, Terms] = {}


class Callers:
    """Everybody who asks."""

    def __init__(self, verifier: Verifier, keys: KeyExchange) -> None:
        self._verifier = verifier
        self._keys = keys
        self._known: dict[bytes, Caller] = {}

    def forget(self) -> None:
        """Look at every token again: some of them do not hold any more."""
        self._known.clear()

    def known(self, asked: Asked) -> Caller | None:
        """Who shows a token; None for who shows something else, or one that does not hold."""
        said = asked.heads.said
        given = said.get(b"authorization", b"")
        caller = self._known.get(given)
        if b"x-api-key" in said:
            return None
        if caller and caller.until > monotonic():
            return caller
        try:
            token = bearer(said)
            return None if token.startswith(PREFIX) else self._remember(given, token)
        except Unauthenticated:
            return None

    def _remember(self, given: bytes, token: str) -> Caller:
        """Raises InvalidToken."""
        caller = Caller(token, self._verifier.look(token))
        if len(given) == len(BEARER) + len(token):
            keep(self._known, given, caller, MAX_KNOWN)
        return caller

    async def identify(self, asked: Asked, *, half: bool) -> None:
        """Find out who asks, whatever they show; `half`: the first factor will do.

        Raises Unauthenticated, AddressNotAllowed, UpstreamUnavailable.
        """
        said = asked.heads.said
        api_key = said.get(b"x-api-key")
        if api_key is None:
            token = bearer(said)
        elif b"authorization" in said:
            raise InvalidToken("Send a token or a key, not both.")
        else:
            token = api_key.decode("latin-1").strip()
        if api_key is not None or token.startswith(PREFIX):
            token = await self._keys.exchange(token, address=asked.address)
        asked.principal = self._verifier.verify(token, half=half)
        asked.token = token.encode()
