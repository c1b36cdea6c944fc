"""The second factor of staff: an authenticator (RFC 6238), and ten codes for when it is lost.

A step of the clock is accepted once. After five wrong codes within ten minutes the authenticator
rests, and the person does not: a recovery code lets them in meanwhile, and is too long to guess.
"""

import hmac
import re
import secrets
from datetime import timedelta
from typing import ClassVar

import pyotp

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict, TooManyRequests, Unauthenticated
from libs.common.ids import ALPHABET
from libs.common.principal import Role
from services.users.domain import sessions
from services.users.domain.auditing import record
from services.users.domain.codes import typed
from services.users.models import Act, SecondFactor, User, principal_of
from services.users.repository.factors import FactorRepository
from services.users.settings import UsersSettings

STEP_SECONDS = 30
DIGITS = 6
STEPS_EITHER_WAY = 1
WRONG_TRIES = 5
RESTS_FOR = timedelta(minutes=10)
RECOVERY_CODES = 10
RECOVERY_SYMBOLS = 16
"""80 bits: nobody guesses one, so nobody has to be slowed down."""
_MISREAD = str.maketrans("ILO", "110")
_TOTP = re.compile(rf"[0-9]{{{DIGITS}}}")


class FactorRests(TooManyRequests):
    """Too many wrong codes: the authenticator rests for some minutes. Recovery codes still work."""

    code = "FACTOR_RESTS"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "600"}


class FactorMissing(Conflict):
    """There is no authenticator to confirm: ask for a secret first."""

    code = "FACTOR_NOT_ENROLLED"


class InvalidCode(Unauthenticated):
    """The code is wrong, too old, or was used; which of them is not said."""

    code = "INVALID_CODE"


def is_required(role: Role, rules: UsersSettings) -> bool:
    """Whether nobody of this role does anything before they have a second factor."""
    return role in rules.totp_required_for


async def is_enrolled(tx: Transaction, user_id: int) -> bool:
    """Whether somebody has a second factor, and signs in with it."""
    return await FactorRepository(tx.session).is_confirmed(user_id)


async def accept(tx: Transaction, user: User, code: str) -> bool:
    """Whether `code` is one of their authenticator now, or a recovery code; it is used up by that.

    A wrong one is counted, so the transaction has to commit either way. Raises FactorRests.
    """
    plain = typed(code)
    if not _TOTP.fullmatch(plain):
        return await _use_recovery_code(tx, user, plain)
    factor = await FactorRepository(tx.session).of(user.user_id, for_update=True)
    if factor is None or factor.confirmed_at is None:
        return False
    secret = await _opened(tx, user, "secret", factor.secret)
    return _is_right(tx, user, factor, secret, plain, after=factor.last_step)


async def has_recovery_code(tx: Transaction, user_id: int, code: str) -> bool:
    """Whether `code` is a recovery code they have not used. It stays one."""
    code_hash = _recovery_hash(tx, user_id, typed(code))
    return await FactorRepository(tx.session).has_recovery_code(user_id, code_hash)


async def propose(tx: Transaction, user: User, *, code: str | None) -> str | None:
    """A new secret, to be confirmed; what they have goes on until it is.

    None when they have one and `code` is none of it. Raises FactorRests.
    """
    repository = FactorRepository(tx.session)
    factor = await repository.of(user.user_id, for_update=True)
    secret = pyotp.random_base32()
    if factor is None or factor.confirmed_at is None:
        sealed = await _sealed(tx, user, "secret", secret)
        factor = factor or _new(tx, user)
        factor.secret = sealed
        return secret
    if not code or not await accept(tx, user, code):
        return None
    factor.replaced_by = await _sealed(tx, user, "replaced_by", secret)
    return secret


async def confirm(tx: Transaction, user: User, code: str) -> list[str] | None:
    """Have the authenticator from now on, and codes for when it is lost; None for a wrong code.

    Raises FactorMissing, FactorRests.
    """
    factor = await FactorRepository(tx.session).of(user.user_id, for_update=True)
    place = "replaced_by" if factor and factor.confirmed_at else "secret"
    sealed: bytes | None = getattr(factor, place, None)
    if factor is None or sealed is None:
        raise FactorMissing("Ask for a secret first, and put it into your authenticator.")
    secret = await _opened(tx, user, place, sealed)
    last_step = factor.last_step if place == "secret" else None
    if not _is_right(tx, user, factor, secret, typed(code), after=last_step):
        return None
    factor.secret, factor.replaced_by = await _sealed(tx, user, "secret", secret), None
    factor.confirmed_at = utc_now()
    record(tx, Act.FACTOR_ENROLLED, by=user.principal_id, about=user.principal_id)
    return await new_recovery_codes(tx, user)


async def enrol(tx: Transaction, user: User) -> str:
    """An authenticator that needs no confirming: its secret is handed over by whoever starts us."""
    secret = pyotp.random_base32()
    sealed = await _sealed(tx, user, "secret", secret)
    factor = _new(tx, user)
    factor.secret, factor.confirmed_at = sealed, utc_now()
    record(tx, Act.FACTOR_ENROLLED, by=user.principal_id, about=user.principal_id)
    return secret


async def new_recovery_codes(tx: Transaction, user: User) -> list[str]:
    """Ten codes, each good once, instead of those they had. They are seen this once."""
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    hashes = [_recovery_hash(tx, user.user_id, typed(code)) for code in codes]
    await FactorRepository(tx.session).replace_recovery_codes(user.user_id, hashes)
    record(tx, Act.RECOVERY_CODES_MADE, by=user.principal_id, about=user.principal_id)
    return codes


async def reset(tx: Transaction, user_id: int, by: str) -> bool:
    """Take the second factor and its codes away, and end every session; False if there is none.

    For whoever has lost their authenticator and their recovery codes, after asking who they are.
    """
    repository = FactorRepository(tx.session)
    await repository.forget_recovery_codes(user_id)
    if not await repository.forget(user_id):
        return False
    record(tx, Act.FACTOR_RESET, by=by, about=principal_of(user_id))
    await sessions.end_all(tx, user_id, why="factor_reset", by=by)
    return True


def otpauth_uri(secret: str, *, account: str) -> str:
    """What an authenticator reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name="Redress")


def _new(tx: Transaction, user: User) -> SecondFactor:
    factor = SecondFactor(user_id=user.user_id, wrong_tries=0, created_at=utc_now())
    tx.session.add(factor)
    return factor


async def _sealed(tx: Transaction, user: User, place: str, secret: str) -> bytes:
    key = await tx.vault.key(user.principal_id)
    return key.seal(f"second_factors.{place}", str(user.user_id), secret)


async def _opened(tx: Transaction, user: User, place: str, sealed: bytes) -> str:
    key = await tx.vault.key(user.principal_id)
    return key.open(f"second_factors.{place}", str(user.user_id), sealed)


def _is_right(
    tx: Transaction, user: User, factor: SecondFactor, secret: str, code: str, *, after: int | None
) -> bool:
    now = utc_now()
    if factor.rests_until and factor.rests_until > now:
        raise FactorRests("Too many wrong codes. Wait ten minutes, or use a recovery code.")
    step = _step_of(secret, code, now=int(now.timestamp()) // STEP_SECONDS)
    if step is None or (after is not None and step <= after):
        _count_wrong(tx, user, factor)
        return False
    factor.last_step, factor.wrong_tries = step, 0
    return True


def _step_of(secret: str, code: str, *, now: int) -> int | None:
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    steps = range(now - STEPS_EITHER_WAY, now + STEPS_EITHER_WAY + 1)
    right = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), code)]
    return right[-1] if right else None


def _count_wrong(tx: Transaction, user: User, factor: SecondFactor) -> None:
    now = utc_now()
    if factor.wrong_since is None or factor.wrong_since < now - RESTS_FOR or not factor.wrong_tries:
        factor.wrong_since, factor.wrong_tries = now, 0
    factor.wrong_tries += 1
    if factor.wrong_tries >= WRONG_TRIES:
        factor.wrong_tries, factor.rests_until = 0, now + RESTS_FOR
        record(tx, Act.FACTOR_RESTS, by=user.principal_id, about=user.principal_id)


async def _use_recovery_code(tx: Transaction, user: User, plain: str) -> bool:
    repository = FactorRepository(tx.session)
    if not await repository.is_confirmed(user.user_id):
        return False
    code_hash = _recovery_hash(tx, user.user_id, plain)
    if not await repository.use_recovery_code(user.user_id, code_hash, at=utc_now()):
        return False
    record(tx, Act.RECOVERY_CODE_USED, by=user.principal_id, about=user.principal_id)
    return True


def _recovery_code() -> str:
    symbols = "".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_SYMBOLS)).lower()
    return "-".join(symbols[at : at + 4] for at in range(0, RECOVERY_SYMBOLS, 4))


def _recovery_hash(tx: Transaction, user_id: int, plain: str) -> bytes:
    return tx.vault.blind("recovery_code", f"{user_id}:{plain.upper().translate(_MISREAD)}")
