"""Identifying: a guest names somebody's national id and full name, as their card says them.

It is a claim, and no proof: whoever has seen the card can make it. So it is enough to be spoken to
by name and to have a form filled in, and never enough for anything about money, for what a person
has filed, or for anything that is sealed for them. For that, people prove a contact (`otp.py`).
"""

import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Literal

from libs.common.cache import Cache
from libs.common.crypto.keyring import ServiceKeys
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict, TooManyRequests
from libs.common.principal import Principal
from services.users.domain import people
from services.users.domain.auditing import record
from services.users.domain.signing_in import NOBODY
from services.users.models import Act
from services.users.repository.people import UserRepository
from services.users.settings import UsersSettings

HOUR = 3600


class IdentifyRests(TooManyRequests):
    """This national id, known or not, or this caller was tried too often; both rest for an hour."""

    code = "IDENTIFY_RESTS"
    headers: ClassVar[dict[str, str]] = {"Retry-After": str(HOUR)}


class KnownBetter(Conflict):
    """Whoever has signed in is known better than by a national id."""

    code = "ALREADY_AUTHENTICATED"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says they are: the id in its one spelling."""

    national_id: str
    full_name: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it: who says so, and of whom."""

    by: Literal["vault", "core"] | None
    about: str | None = None


async def check_allowance(
    cache: Cache, keys: ServiceKeys, claim: Claim, caller: Principal, rules: UsersSettings
) -> None:
    """Count one more try of this id, which may be nobody's, and of this caller."""
    index = keys.blind("national_id", claim.national_id).hex()
    for counted in (f"identify:{index}", f"identify:{caller.id}"):
        if await cache.count(counted, seconds=HOUR) > rules.identify_tries:
            raise IdentifyRests("This was tried too often. Wait an hour.")


async def found_in_vault(tx: Transaction, claim: Claim) -> str | None:
    """Whose id and name these are, if the vault knows them together.

    An id nobody has costs as many questions as one with another name.
    """
    index = tx.vault.blind("national_id", claim.national_id)
    users = await UserRepository(tx.session).by_national_id(index)
    await tx.vault.surviving_keys([user.principal_id for user in users] or [NOBODY])
    for user in users:
        name = (await people.opened(tx, user)).name
        if name and is_same_name(name, claim.full_name):
            return user.principal_id
    return None


def note(tx: Transaction, checked: Checked, caller: Principal) -> None:
    """Write down that a guest named somebody, and whether it was true."""
    act = Act.IDENTIFIED if checked.by else Act.NOT_IDENTIFIED
    record(tx, act, by=caller, about=checked.about or caller.id, checked_by=checked.by)


def is_same_name(one: str, other: str) -> bool:
    """Whether two spellings have the same words, in whatever order and case."""
    return _words(one) == _words(other)


def _words(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return set("".join(char if _is_of_a_word(char) else " " for char in plain).split())


def _is_of_a_word(char: str) -> bool:
    # Vowel signs of Devanagari are marks, and belong to their words.
    return unicodedata.category(char)[0] in {"L", "M", "N"}
