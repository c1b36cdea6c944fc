"""Who listens: a token, a key or a ticket, and until when it holds."""

from starlette.types import Scope

from libs.common.clock import utc_now
from libs.common.errors import Forbidden, Unauthenticated
from libs.common.permissions import Permission
from libs.common.tokens import InvalidToken, Verifier, said_by
from libs.common.web.client import PeerFailed
from services.gateway.clients.owners import Tickets
from services.gateway.domain.addresses import Addresses
from services.gateway.domain.exchanging import PREFIX, KeyExchange
from services.gateway.domain.headers import FORWARDED_FOR
from services.gateway.domain.refusals import UpstreamUnavailable
from services.gateway.domain.rooms import Grant

BEARER = "bearer "


class InvalidTicket(Unauthenticated):
    """The ticket is none of ours, too old, or was used; which of them is not said."""

    code = "INVALID_TICKET"


class Admitting:
    """Turns what a client shows into a grant."""

    def __init__(
        self, verifier: Verifier, keys: KeyExchange, tickets: Tickets, addresses: Addresses
    ) -> None:
        self._verifier = verifier
        self._keys = keys
        self._tickets = tickets
        self._addresses = addresses

    def address(self, scope: Scope) -> str:
        """Where a client calls from, as far as its word and its proxies' can be believed."""
        hops = [value for name, value in scope["headers"] if name == FORWARDED_FOR]
        peer = (scope.get("client") or ("", 0))[0]
        return self._addresses.of(peer, [hop.decode("latin-1") for hop in hops])

    async def shown(self, text: object, address: str) -> Grant:
        """The grant of a token or an API key, shown from `address`.

        Raises Unauthenticated, InvalidToken, InvalidApiKey, AddressNotAllowed, Forbidden,
        UpstreamUnavailable.
        """
        if not isinstance(text, str) or not text.strip():
            raise Unauthenticated("Sign in first: send a token.")
        token = text.strip()
        if token.lower().startswith(BEARER):
            token = token[len(BEARER) :].lstrip()
        if token.startswith(PREFIX):
            token = await self._keys.exchange(token, address=address)
        return self._granted(token)

    async def ticket(self, ticket: str) -> Grant:
        """The grant of a ticket, which is used up by this. Raises InvalidTicket."""
        try:
            token = await self._tickets.exchange(ticket)
        except PeerFailed:
            raise UpstreamUnavailable("The ticket cannot be checked just now.") from None
        if token is None:
            raise InvalidTicket("The ticket does not hold. Get another one.")
        return self._granted(token)

    def _granted(self, token: str) -> Grant:
        principal = self._verifier.verify(token)
        if not principal.may(Permission.STREAM_OPEN):
            raise Forbidden("You may not do this.")
        said = said_by(token)
        # A request may come a little late; a connection that is to last ends when its token does.
        if said["exp"] <= utc_now().timestamp():
            raise InvalidToken("The token is not valid at this time.")
        session = said.get("sid")
        return Grant(principal, token, said["exp"], session if isinstance(session, str) else None)


def shown_in(headers: dict[bytes, bytes]) -> str | None:
    """The token or key in a request's headers. Raises InvalidToken when there are both."""
    token, key = headers.get(b"authorization"), headers.get(b"x-api-key")
    if token is not None and key is not None:
        raise InvalidToken("Send a token or a key, not both.")
    found = token if key is None else key
    return None if found is None else found.decode("latin-1")
