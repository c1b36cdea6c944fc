"""Tokens for guests, and the keys that tokens are checked with."""

from fastapi import Response

from libs.common.ids import new_id
from libs.common.principal import Role
from libs.common.web.auth import Anyone, Login
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from services.users.routes.deps import PublicKeysPort, Settings, SignerPort
from services.users.schemas import GuestCreate, GuestToken, KeySet

routes = router(tag="auth")
NOT_KEPT = {"Cache-Control": "no-store"}


@routes.post("/api/v1/auth/guest", status_code=201, response_model=Success[GuestToken])
async def admit_guest(
    caller: Login, signer: SignerPort, settings: Settings, body: GuestCreate | None = None
) -> Response:
    """A token for somebody who does not say who they are: it files, chats, and follows both.

    Keep it: whoever holds it is this guest, for as long as it lives. Nothing is stored here, so
    an Idempotency-Key does nothing: each call admits another guest.
    """
    guest_id = f"guest:{new_id()}"
    token = signer.sign(guest_id, Role.GUEST, seconds=settings.guest_seconds)
    data = GuestToken(
        access_token=token,
        expires_in=settings.guest_seconds,
        guest_id=guest_id,
        locale=(body or GuestCreate()).locale,
    )
    return answer(Success(data=data), status=201, headers=NOT_KEPT)


@routes.get("/.well-known/jwks.json", response_model=KeySet)
async def read_public_keys(caller: Anyone, keys: PublicKeysPort) -> Response:
    """The public keys tokens of people are signed with (RFC 7517): a bare key set."""
    found = KeySet(keys=keys.documents("users"))
    return answer(found, headers={"Cache-Control": "public, max-age=300"})
