"""One-time codes: six digits sent to a phone or an e-mail address, good once and for ten minutes.

Nothing is looked up when one is asked for, so known and unknown contacts are answered alike. A
newer code does not take an older one back: messages arrive late and out of order, and each code
has its own five tries. With five codes an hour to a contact, a guesser has one chance in forty
thousand an hour, and whoever reads the first message of two still gets in.
"""

import hmac
import json
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from libs.common.cache import Cache
from libs.common.clock import utc_now
from libs.common.contracts.users import OtpRequested
from libs.common.crypto.keyring import ServiceKeys
from libs.common.db.uow import Transaction
from libs.common.errors import NotFound, TooManyRequests, Unauthenticated
from libs.common.ids import digits, new_id
from libs.common.principal import Role
from services.users.domain import people, proving
from services.users.domain.auditing import record
from services.users.domain.codes import typed
from services.users.domain.people import Person
from services.users.domain.signing_in import NOBODY
from services.users.models import Act, OtpChallenge, User
from services.users.repository.challenges import ChallengeRepository
from services.users.settings import UsersSettings

DIGITS = 6
LASTS = timedelta(minutes=10)
TRIES = 5
KEPT = timedelta(days=1)
HOUR = 3600
MINUTE = 60
PROOF = "one-time code"
_NO_CODE = b"\0" * 32


class Channel(StrEnum):
    """How a code travels."""

    SMS = "sms"
    WHATSAPP = "whatsapp"
    EMAIL = "email"


class InvalidOtp(Unauthenticated):
    """The code is wrong, too old, was used or tried too often, or there is none: not said which."""

    code = "OTP_INVALID"


class TooManyCodes(TooManyRequests):
    """So many codes were sent that the next one has to wait."""

    code = "OTP_RATE_LIMITED"

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(seconds)}  # type: ignore[misc]


class OtpNotFound(NotFound):
    """There is no such code to be sent, or none any more."""

    code = "OTP_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a code goes: a number in E.164, or an e-mail address."""

    channel: Channel
    address: str

    @property
    def is_email(self) -> bool:
        """Whether it is an e-mail address."""
        return self.channel is Channel.EMAIL

    def index(self, tx: Transaction) -> bytes:
        """What the person who has it is found by."""
        if self.is_email:
            return people.email_index(tx, self.address)
        return tx.vault.blind("phone", self.address)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sealed of a challenge: where to, and what."""

    address: str
    code: str

    def sealed(self, keys: ServiceKeys, challenge_id: str) -> bytes:
        """Sealed with the service's own key: there is no person yet whose key it could be."""
        text = json.dumps([self.address, self.code])
        return keys.wrap(text.encode(), aad=_place(challenge_id))

    @classmethod
    def opened(cls, keys: ServiceKeys, challenge_id: str, sealed: bytes) -> "Letter":
        """What `sealed` made of it."""
        return cls(*json.loads(keys.unwrap(sealed, aad=_place(challenge_id))))


async def check_allowance(
    cache: Cache, keys: ServiceKeys, contact: Contact, rules: UsersSettings
) -> None:
    """Count one more code to a contact, however it is spelled, and to all. Raises TooManyCodes."""
    plain = unicodedata.normalize("NFKC", contact.address).strip().casefold()
    per_contact = f"otp:{keys.blind('otp_contact', plain).hex()}"
    if await cache.count(per_contact, seconds=HOUR) > rules.otp_per_contact:
        raise TooManyCodes("Too many codes were sent there. Wait an hour.", seconds=HOUR)
    if await cache.count("otp:all", seconds=MINUTE) > rules.otp_per_minute:
        raise TooManyCodes("Too many codes are being sent. Wait a minute.", seconds=MINUTE)


def request(tx: Transaction, keys: ServiceKeys, contact: Contact, *, language: str) -> str:
    """Have a code sent to whoever has this contact, known or not; answer what to call it."""
    challenge_id, code, now = new_id(), digits(DIGITS), utc_now()
    tx.insert(
        OtpChallenge,
        challenge_id=challenge_id,
        contact_index=contact.index(tx),
        channel=contact.channel,
        language=language,
        sealed=Letter(contact.address, code).sealed(keys, challenge_id),
        code_hash=_hash(tx, challenge_id, code),
        tries=0,
        created_at=now,
        expires_at=now + LASTS,
        used_at=None,
    )
    # Told apart: whoever reads the feeds could use up its tries.
    tx.publish(OtpRequested(challenge_id=challenge_id, channel=contact.channel), restricted=True)
    return challenge_id


async def prove(tx: Transaction, keys: ServiceKeys, challenge_id: str, code: str) -> Contact | None:
    """The contact that is proved by `code`, which is used up by that; None if it is none.

    The try is counted before anything is compared, so the transaction has to commit either way.
    """
    repository, now = ChallengeRepository(tx.session), utc_now()
    found = await repository.try_once(challenge_id, now=now, tries=TRIES)
    wanted = found.code_hash if found else _NO_CODE
    is_right = hmac.compare_digest(wanted, _hash(tx, challenge_id, typed(code)))
    if found is None or found.sealed is None:
        return None
    if not is_right:
        record(tx, Act.SIGN_IN_REFUSED, by=NOBODY, about=f"otp:{challenge_id}")
        return None
    letter = Letter.opened(keys, challenge_id, found.sealed)
    if not await repository.use(challenge_id, at=now):
        return None
    return Contact(Channel(found.channel), letter.address)


async def person_of(tx: Transaction, contact: Contact) -> tuple[User, bool]:
    """Who has this contact, and whether they are new here. Only ever asked after the proof."""
    if contact.is_email:
        user = await ChallengeRepository(tx.session).with_email(contact.index(tx))
        person = Person(email=contact.address)
    else:
        user = await proving.with_phone(tx, contact.index(tx))
        person = Person(phone_number=contact.address)
    if user is not None:
        return user, False
    return await people.add(tx, person, role=Role.CITIZEN, by=PROOF, is_proven=True), True


async def to_send(
    tx: Transaction, keys: ServiceKeys, challenge_id: str
) -> tuple[OtpChallenge, Letter]:
    """A code on its way. Raises OtpNotFound once it was used or is too old."""
    found = await ChallengeRepository(tx.session).get(challenge_id)
    if found is None or found.sealed is None or found.expires_at <= utc_now():
        raise OtpNotFound("There is no such code.")
    return found, Letter.opened(keys, challenge_id, found.sealed)


async def tidy(tx: Transaction, *, kept: timedelta = KEPT) -> int:
    """Forget codes and contacts nobody can use any more; answer how many codes are gone."""
    now = utc_now()
    return await ChallengeRepository(tx.session).tidy(now=now, before=now - kept)


def _hash(tx: Transaction, challenge_id: str, code: str) -> bytes:
    return tx.vault.blind("otp", f"{challenge_id}:{code}")


def _place(challenge_id: str) -> str:
    return f"otp_challenges.sealed.{challenge_id}"
