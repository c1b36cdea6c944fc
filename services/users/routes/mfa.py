"""Second factors: an authenticator, proved by a code of it, and codes for when it is lost."""

from typing import Annotated

import segno
from fastapi import Depends, Response

from libs.common.db.uow import Transaction
from libs.common.permissions import Permission
from libs.common.principal import Principal, Role
from libs.common.web.auth import KIB, may
from libs.common.web.responses import NOT_KEPT, Success, answer
from libs.common.web.routing import router
from services.users.domain import placing, second_factor, sessions
from services.users.domain.auditing import record
from services.users.domain.second_factor import InvalidCode
from services.users.domain.sessions import SessionRules
from services.users.domain.signing_in import username_of
from services.users.models import Act, User
from services.users.repository.people import UserRepository
from services.users.routes.deps import Settings, SignerPort, UowPort, read_user_id
from services.users.routes.granting import tokens_of
from services.users.schemas.proofs import (
    CodeGiven,
    FactorConfirmed,
    FactorProposed,
    FactorRequest,
    RecoveryCodes,
)

routes = router(prefix="/api/v1/auth/mfa", tag="auth")
METHOD = "password+totp"

Enroller = Annotated[
    Principal, Depends(may(Permission.FACTOR_ENROL, body=16 * KIB, seconds=5.0, limit="login"))
]
"""Staff, also while the second factor is what they lack."""


@routes.post("/totp", status_code=201, response_model=Success[FactorProposed])
async def propose_totp(
    caller: Enroller, uow: UowPort, body: FactorRequest | None = None
) -> Response:
    """A secret for an authenticator app, as text and as a QR code. It counts once it is confirmed.

    Asked again before that, there is another one. Whoever has an authenticator shows a `code` of
    it, and keeps it until the new one is confirmed. The secret is in this answer and nowhere else.
    """
    async with uow.begin() as tx:
        user = await _myself(tx, caller)
        secret = await second_factor.propose(tx, user, code=body.code if body else None)
        account = await username_of(tx, user) or user.principal_id
    if secret is None:
        raise _refused()
    uri = second_factor.otpauth_uri(secret, account=account)
    picture = segno.make(uri, error="m").svg_data_uri(scale=4)
    data = FactorProposed(secret=secret, otpauth_uri=uri, qr_svg=picture)
    return answer(Success(data=data), status=201, headers=NOT_KEPT)


@routes.post("/totp/confirm", response_model=Success[FactorConfirmed])
async def confirm_totp(
    body: CodeGiven, caller: Enroller, uow: UowPort, signer: SignerPort, settings: Settings
) -> Response:
    """Have the authenticator from now on, by showing a code of it.

    Keep the ten recovery codes: each lets you in once without it. Whoever had signed in half is
    signed in now, and gets tokens. Five wrong codes: 429 FACTOR_RESTS, for ten minutes.
    """
    begun, role = None, caller.role
    async with uow.begin() as tx:
        user = await _myself(tx, caller)
        codes = await second_factor.confirm(tx, user, body.code)
        scope = await placing.works_in(tx, user)
        if codes and caller.is_half:
            role = Role(user.role)
            rules = SessionRules.of(settings)
            begun = await sessions.make_whole(tx, user, caller.session, method=METHOD, rules=rules)
            record(tx, Act.SIGNED_IN, by=user.principal_id, about=user.principal_id, reason=METHOD)
    if codes is None:
        raise _refused()
    tokens = tokens_of(signer, settings, user, begun, role=role, scope=scope) if begun else {}
    data = FactorConfirmed(recovery_codes=codes, **tokens)
    return answer(Success(data=data), headers=NOT_KEPT)


@routes.post("/recovery-codes", response_model=Success[RecoveryCodes])
async def renew_recovery_codes(body: CodeGiven, caller: Enroller, uow: UowPort) -> Response:
    """Ten new recovery codes instead of those you had. Shows a code of yours, of either kind."""
    codes = None
    async with uow.begin() as tx:
        user = await _myself(tx, caller)
        if await second_factor.accept(tx, user, body.code):
            codes = await second_factor.new_recovery_codes(tx, user)
    if codes is None:
        raise _refused()
    return answer(Success(data=RecoveryCodes(recovery_codes=codes)), headers=NOT_KEPT)


async def _myself(tx: Transaction, caller: Principal) -> User:
    """The row of whoever calls; the token alone does not say what they have by now.

    Held until the end, so that nobody is given another password meanwhile.
    """
    if caller.is_half:
        await sessions.check_goes_on(tx, caller.session)
    number = await read_user_id(caller.id.removeprefix("user:"))
    return await UserRepository(tx.session).get(number, for_update=True)


def _refused() -> InvalidCode:
    return InvalidCode("The code does not hold.")
