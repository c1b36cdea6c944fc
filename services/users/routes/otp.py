"""One-time codes: asked for, shown, and handed to the program that sends them."""

from typing import Annotated

from fastapi import Depends, Response

from libs.common.contracts.users import GuestBound
from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.errors import Conflict
from libs.common.masks import masked_email, masked_phone
from libs.common.permissions import Permission
from libs.common.principal import Principal, Role
from libs.common.tokens import InvalidToken, Signer, Verifier
from libs.common.web.auth import KIB, Service, may
from libs.common.web.responses import NOT_KEPT, Success, answer
from libs.common.web.routing import router
from services.users.domain import otp, sessions
from services.users.domain.auditing import record
from services.users.domain.otp import InvalidOtp, OtpNotFound
from services.users.domain.placing import EVERYWHERE
from services.users.domain.sessions import SessionRules
from services.users.models import Act, User
from services.users.routes.deps import CachePort, Settings, SignerPort, UowPort, VerifierPort
from services.users.routes.granting import tokens_of
from services.users.schemas.proofs import OtpRequest, OtpSent, OtpToSend, OtpVerify, PersonProved
from services.users.settings import UsersSettings

routes = router(tag="auth")
SENDER = "service:tasks"
METHOD = "otp"
TRIES = 2

Prover = Annotated[
    Principal, Depends(may(Permission.PUBLIC, body=16 * KIB, seconds=5.0, limit="login"))
]


@routes.post("/api/v1/auth/otp/request", status_code=202, response_model=Success[OtpSent])
async def request_otp(
    body: OtpRequest, caller: Prover, uow: UowPort, cache: CachePort, settings: Settings
) -> Response:
    """Have a one-time code sent: six digits, good once, for ten minutes and five tries.

    The answer is the same whether anybody has this contact or not. 429 with `Retry-After` after
    five codes an hour to one contact. Codes that were sent before hold until they expire.
    """
    contact = body.contact()
    await otp.check_allowance(cache, uow.keys, contact, settings)
    async with uow.begin() as tx:
        challenge_id = otp.request(tx, uow.keys, contact, language=body.language)
    sent_to = masked_email(body.email) if body.email else masked_phone(body.phone_number)
    data = OtpSent(
        challenge_id=challenge_id,
        expires_in=int(otp.LASTS.total_seconds()),
        channel=body.channel,
        sent_to=sent_to or "",
    )
    return answer(Success(data=data), status=202, headers=NOT_KEPT)


@routes.post("/api/v1/auth/otp/verify", response_model=Success[PersonProved])
async def verify_otp(
    body: OtpVerify,
    caller: Prover,
    uow: UowPort,
    verifier: VerifierPort,
    signer: SignerPort,
    settings: Settings,
) -> Response:
    """Sign in with a one-time code, as a citizen: staff prove more than a phone.

    Whoever is not known yet is from now on. With `guest_token`, everything that guest began is
    yours, and the guest's token opens nothing any more. 401 OTP_INVALID for whatever is wrong.
    """
    guest = _guest(body, verifier)
    for left in reversed(range(TRIES)):
        try:
            found = await _prove(body, guest, uow, signer, settings)
        except Conflict:
            # Two codes of one new contact at once: the second finds whom the first made.
            if not left:
                raise
        else:
            break
    if found is None:
        raise InvalidOtp("The code does not hold. Ask for another one.")
    return answer(Success(data=found), headers=NOT_KEPT)


@routes.get("/internal/otp/{challenge_id}", response_model=Success[OtpToSend])
async def read_otp(challenge_id: str, caller: Service, uow: UowPort) -> Response:
    """A code to be sent, and where to: for the program that sends it, until it is used or old."""
    if caller.id != SENDER:
        raise OtpNotFound("There is no such code.")
    async with uow.read() as tx:
        row, letter = await otp.to_send(tx, uow.keys, challenge_id)
    data = OtpToSend(
        channel=otp.Channel(row.channel),
        recipient=letter.address,
        code=letter.code,
        language=row.language,
    )
    return answer(Success(data=data), headers=NOT_KEPT)


async def _prove(
    body: OtpVerify,
    guest: Principal | None,
    uow: UnitOfWork,
    signer: Signer,
    settings: UsersSettings,
) -> PersonProved | None:
    async with uow.begin() as tx:
        contact = await otp.prove(tx, uow.keys, body.challenge_id, body.code)
        if contact is None:
            return None
        user, is_new = await otp.person_of(tx, contact)
        rules = SessionRules.of(settings)
        begun = await sessions.begin(tx, user, role=Role.CITIZEN, method=METHOD, rules=rules)
        record(tx, Act.SIGNED_IN, by=user.principal_id, about=user.principal_id, reason=METHOD)
        if guest:
            await _bind(tx, guest, user)
    tokens = tokens_of(signer, settings, user, begun, role=Role.CITIZEN, scope=EVERYWHERE)
    return PersonProved(
        **tokens, user_id=user.user_id, is_new=is_new, bound_guest=guest.id if guest else None
    )


async def _bind(tx: Transaction, guest: Principal, user: User) -> None:
    """What the guest began is this person's; of two who show one guest's token, the first's."""
    await sessions.replace_guest(tx, guest.session, guest_id=guest.id)
    # Told apart: who an anonymous guest was is no news for feeds.
    tx.publish(GuestBound(user_id=user.user_id, guest_id=guest.id), restricted=True)
    record(tx, Act.GUEST_BOUND, by=user.principal_id, about=guest.id)


def _guest(body: OtpVerify, verifier: Verifier) -> Principal | None:
    if body.guest_token is None:
        return None
    guest = verifier.verify(body.guest_token)
    if guest.role is not Role.GUEST or not guest.session:
        raise InvalidToken("This is no guest's token.")
    return guest
