"""Who is let in: decided by the table and a verified token, before a byte of body is read."""

from libs.common.errors import Forbidden
from libs.common.logging import bind
from libs.common.principal import Level
from libs.common.tokens import InvalidToken, Verifier
from libs.common.web.auth import Access
from libs.common.web.guard import bearer
from services.gateway.domain.exchanging import PREFIX, KeyExchange


class Admission:
    """Checks the caller of a route."""

    def __init__(self, verifier: Verifier, keys: KeyExchange) -> None:
        self._verifier = verifier
        self._keys = keys

    async def token(self, access: Access, headers: dict[bytes, bytes]) -> str | None:
        """The token to pass on; None where nobody is asked who they are.

        Raises Unauthenticated, InvalidToken, InvalidApiKey, Forbidden, UpstreamUnavailable.
        """
        if access.level is Level.ANYONE:
            return None
        token = await self._given(headers)
        principal = self._verifier.verify(token)
        if not access.admits(principal):
            raise Forbidden("You may not do this.")
        bind(principal=principal.id, role=principal.role.value)
        return token

    async def _given(self, headers: dict[bytes, bytes]) -> str:
        api_key = headers.get(b"x-api-key")
        if api_key is None:
            token = bearer(headers)
        elif b"authorization" in headers:
            raise InvalidToken("Send a token or a key, not both.")
        else:
            token = api_key.decode("latin-1").strip()
        if api_key is not None or token.startswith(PREFIX):
            return await self._keys.token(token)
        return token
