"""Tokens for guests, tickets for streams, and the keys that tokens are checked with."""

import hashlib

from fastapi import Response

from libs.common.clock import utc_now
from libs.common.errors import Unauthenticated
from libs.common.ids import new_id
from libs.common.principal import Role
from libs.common.tokens import (
    ACCESS_TOKEN_SECONDS,
    STREAM_AUDIENCE,
    InvalidToken,
    Verifier,
    said_by,
)
from libs.common.web.auth import Anyone, Service
from libs.common.web.responses import NOT_KEPT, Success, answer
from libs.common.web.routing import router
from services.users.routes.deps import (
    CachePort,
    Newcomer,
    PublicKeysPort,
    Settings,
    SignerPort,
    StreamOpener,
    VerifierPort,
)
from services.users.schemas.auth import (
    GuestCreate,
    GuestToken,
    KeySet,
    Ticket,
    TicketExchange,
    TicketToken,
)

routes = router(tag="auth")
TICKET_SECONDS = 60


class InvalidTicket(Unauthenticated):
    """The ticket is none of ours, too old, or was used; which of them is not said."""

    code = "INVALID_TICKET"


@routes.post("/api/v1/auth/guest", status_code=201, response_model=Success[GuestToken])
async def admit_guest(
    caller: Newcomer, signer: SignerPort, settings: Settings, body: GuestCreate | None = None
) -> Response:
    """A token for somebody who does not say who they are: it files, chats, and follows both.

    Keep it: whoever holds it is this guest, for as long as it lives. Nothing is stored here, so
    an Idempotency-Key does nothing: each call admits another guest.
    """
    guest_id = f"guest:{new_id()}"
    token = signer.sign(guest_id, Role.GUEST, seconds=settings.guest_seconds, session=new_id())
    data = GuestToken(
        access_token=token,
        expires_in=settings.guest_seconds,
        guest_id=guest_id,
        locale=(body or GuestCreate()).locale,
    )
    return answer(Success(data=data), status=201, headers=NOT_KEPT)


@routes.post("/api/v1/auth/ticket", status_code=201, response_model=Success[Ticket])
async def issue_ticket(caller: StreamOpener, signer: SignerPort) -> Response:
    """A ticket for `GET /api/v1/events/stream`: for browsers, whose EventSource sends no headers.

    It opens one stream, once, within a minute, and nothing else. Get another one for each.
    """
    ticket = signer.sign(
        caller.id,
        caller.role,
        audience=STREAM_AUDIENCE,
        seconds=TICKET_SECONDS,
        scope=caller.scope,
        scopes=caller.scopes,
        session=caller.session,
        identified=caller.is_identified,
    )
    data = Ticket(ticket=ticket, expires_in=TICKET_SECONDS)
    return answer(Success(data=data), status=201, headers=NOT_KEPT)


@routes.post("/internal/tickets/exchange", response_model=Success[TicketToken])
async def exchange_ticket(
    body: TicketExchange,
    caller: Service,
    keys: PublicKeysPort,
    verifier: VerifierPort,
    cache: CachePort,
    signer: SignerPort,
) -> Response:
    """A short token for the holder of a ticket. 401 INVALID_TICKET for any other text."""
    tickets = Verifier(keys, "users", audience=STREAM_AUDIENCE, revoked=verifier.revoked)
    try:
        holder = tickets.verify(body.ticket)
    except InvalidToken:
        raise _no_ticket() from None
    # No leeway: whoever signed it is who reads it. Programs of ours have tokens, and no tickets.
    if holder.is_service or said_by(body.ticket)["exp"] <= utc_now().timestamp():
        raise _no_ticket()
    # The signature is left out of the name: there are two for everything that is signed.
    name = hashlib.sha256(body.ticket.rpartition(".")[0].encode()).hexdigest()
    if await cache.count(f"ticket:{name}", seconds=2 * TICKET_SECONDS) > 1:
        raise _no_ticket()
    token = signer.sign(
        holder.id,
        holder.role,
        scope=holder.scope,
        scopes=holder.scopes,
        session=holder.session,
        identified=holder.is_identified,
    )
    data = TicketToken(access_token=token, expires_in=ACCESS_TOKEN_SECONDS)
    return answer(Success(data=data), headers=NOT_KEPT)


def _no_ticket() -> InvalidTicket:
    return InvalidTicket("The ticket does not hold. Get another one.")


@routes.get("/.well-known/jwks.json", response_model=KeySet)
async def read_public_keys(caller: Anyone, keys: PublicKeysPort) -> Response:
    """The public keys tokens of people are signed with (RFC 7517): a bare key set."""
    found = KeySet(keys=keys.documents("users"))
    return answer(found, headers={"Cache-Control": "public, max-age=30"})
