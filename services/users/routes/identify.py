"""Identifying: a guest says whose national id and name are theirs."""

from typing import Annotated

from fastapi import Depends, Response

from libs.common.ids import new_id
from libs.common.permissions import Permission
from libs.common.principal import Principal, Role
from libs.common.web.auth import KIB, may
from libs.common.web.responses import NOT_KEPT, Success, answer
from libs.common.web.routing import router
from services.users.domain import identifying, sessions
from services.users.domain.identifying import Checked, Claim, KnownBetter
from services.users.domain.national_ids import normalised
from services.users.routes.deps import CachePort, CorePort, Settings, SignerPort, UowPort
from services.users.schemas.proofs import IdentityChecked, IdentityClaim

routes = router(tag="auth")

Claimant = Annotated[
    Principal, Depends(may(Permission.SELF_IDENTIFY, body=16 * KIB, seconds=8.0, limit="login"))
]


@routes.post("/api/v1/auth/identify", response_model=Success[IdentityChecked])
async def identify(
    body: IdentityClaim,
    caller: Claimant,
    uow: UowPort,
    cache: CachePort,
    core: CorePort,
    signer: SignerPort,
    settings: Settings,
) -> Response:
    """Say whose national id and full name you have. When they belong together, you are identified.

    Then there is a new token for you, and the one you called with opens nothing any more. Otherwise
    the answer is `claimed`, whatever it was that could not be confirmed. It is never enough for
    data about money, or about what somebody filed. Five tries an hour: 429.
    """
    if caller.role is not Role.GUEST:
        raise KnownBetter("You have signed in: you are known better than this.")
    claim = Claim(normalised(body.national_id), body.full_name)
    await identifying.check_allowance(cache, uow.keys, claim, caller, settings)
    async with uow.read() as tx:
        found = await identifying.found_in_vault(tx, claim)
    checked = Checked("vault", found) if found else Checked(None)
    if not found and await core.knows(claim.national_id, claim.full_name):
        checked = Checked("core")
    async with uow.begin() as tx:
        identifying.note(tx, checked, caller)
        if checked.by and caller.session:
            await sessions.replace_guest(tx, caller.session, guest_id=caller.id)
    token, lasts = None, None
    if checked.by:
        lasts = settings.guest_seconds
        token = signer.sign(caller.id, Role.GUEST, seconds=lasts, session=new_id(), identified=True)
    data = IdentityChecked(
        level="identified" if checked.by else "claimed",
        checked_by=checked.by,
        access_token=token,
        expires_in=lasts,
    )
    return answer(Success(data=data), headers=NOT_KEPT)
