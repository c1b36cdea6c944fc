"""API keys: `rdr_live_<8 of the id>_<43 symbols><6 of a checksum>`; only a hash is kept.

The prefix lets secret scanners and people recognise one, the checksum tells a mistyped key from an
unknown one without asking the database.
"""

import re
import secrets
import string
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from libs.common.clock import utc_now
from libs.common.contracts.users import ApiKeyRevoked
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict, Invalid, Unauthenticated
from libs.common.ids import new_id
from services.users.domain.auditing import record
from services.users.domain.sessions import refuse_tokens
from services.users.models import Act, ApiKey
from services.users.repository.keys import ApiKeyRepository

SYMBOLS = string.digits + string.ascii_letters
SECRET_SYMBOLS = 43
CHECKSUM_SYMBOLS = 6
NAME = "api_keys.name"
NOTED_EVERY = timedelta(seconds=60)
_KEY = re.compile(rf"rdr_live_[0-9a-f]{{8}}_[0-9A-Za-z]{{{SECRET_SYMBOLS + CHECKSUM_SYMBOLS}}}")


class InvalidApiKey(Unauthenticated):
    """The key is malformed, unknown, expired or revoked; which of them is not said."""

    code = "INVALID_API_KEY"


class ApiKeyOver(Conflict):
    """The key was revoked, or has expired."""

    code = "API_KEY_OVER"


class AlreadyRotated(Conflict):
    """The key has a successor already: rotate that one."""

    code = "API_KEY_ALREADY_ROTATED"


class ExpiryPassed(Invalid):
    """A key cannot expire before it is made."""

    code = "EXPIRY_PASSED"


def new_key(key_id: str) -> str:
    """A key nobody can guess, which says whose it is by the end of its id."""
    secret = "".join(secrets.choice(SYMBOLS) for _ in range(SECRET_SYMBOLS))
    body = f"rdr_live_{key_id[-8:]}_{secret}"
    return body + _checksum(body)


def check_form(api_key: str) -> str:
    """`api_key` itself. Raises InvalidApiKey when it cannot be one of ours."""
    body = api_key[:-CHECKSUM_SYMBOLS]
    if not _KEY.fullmatch(api_key) or _checksum(body) != api_key[-CHECKSUM_SYMBOLS:]:
        raise InvalidApiKey("The API key does not hold.")
    return api_key


async def create(
    tx: Transaction,
    *,
    name: str,
    scopes: list[str],
    allowed_addresses: list[str],
    by: str,
    expires_at: datetime | None = None,
    replaces: str | None = None,
) -> tuple[ApiKey, str]:
    """A new key: its row, and the key itself, which is seen this once. Raises ExpiryPassed."""
    if expires_at is not None and expires_at <= utc_now():
        raise ExpiryPassed("A key expires in the future, or never.")
    key_id = new_id()
    api_key = new_key(key_id)
    sealing = tx.vault.create(_subject(key_id))
    row = ApiKey(
        key_id=key_id,
        name=sealing.seal(NAME, key_id, name),
        scopes=scopes,
        allowed_addresses=allowed_addresses,
        prefix=api_key[:17],
        key_hash=_hash(tx, api_key),
        created_by=by,
        created_at=utc_now(),
        expires_at=expires_at,
        replaces=replaces,
    )
    tx.session.add(row)
    if expires_at is not None:
        await refuse_tokens(tx, key_id, at=expires_at)
    record(tx, Act.API_KEY_CREATED, by=by, about=_subject(key_id))
    return row, api_key


async def rotate(
    tx: Transaction, key_id: str, *, overlap: timedelta, by: str
) -> tuple[ApiKey, str]:
    """A new key for an old one, which is good for `overlap` more.

    One that was made to expire is followed by one that lives as long. It has one successor, for
    its own life is cut short by that. Raises ApiKeyOver, AlreadyRotated.
    """
    now, repository = utc_now(), ApiKeyRepository(tx.session)
    old = await repository.get(key_id, for_update=True)
    if is_over(old):
        raise ApiKeyOver("The key opens nothing any more: make another one.")
    successor = await repository.successor(key_id)
    if successor is not None:
        raise AlreadyRotated(
            "Rotate its successor.", key_id=successor.key_id, prefix=successor.prefix
        )
    lives = old.expires_at - old.created_at if old.expires_at else None
    until = now + overlap
    old.expires_at = min(old.expires_at or until, until)
    await refuse_tokens(tx, key_id, at=old.expires_at)
    record(tx, Act.API_KEY_ROTATED, by=by, about=_subject(key_id))
    return await create(
        tx,
        name=(await names_of(tx, [old]))[key_id],
        scopes=old.scopes,
        allowed_addresses=old.allowed_addresses,
        by=by,
        expires_at=now + lives if lives else None,
        replaces=key_id,
    )


async def revoke(tx: Transaction, key_id: str, *, by: str) -> ApiKey:
    """Have a key open nothing any more; doing it twice is doing it once. Raises ApiKeyNotFound."""
    row = await ApiKeyRepository(tx.session).get(key_id, for_update=True)
    if row.revoked_at is None:
        row.revoked_at = utc_now()
        await refuse_tokens(tx, key_id)
        tx.publish(ApiKeyRevoked(key_id=key_id))
        record(tx, Act.API_KEY_REVOKED, by=by, about=_subject(key_id))
    return row


async def recognise(tx: Transaction, api_key: str) -> ApiKey:
    """The row of a key that holds. Raises InvalidApiKey."""
    row = await ApiKeyRepository(tx.session).by_hash(_hash(tx, check_form(api_key)))
    if row is None or is_over(row):
        raise InvalidApiKey("The API key does not hold.")
    return row


async def names_of(tx: Transaction, rows: Sequence[ApiKey]) -> dict[str, str]:
    """What keys are called, by their ids: one without a name goes by its prefix."""
    keys = await tx.vault.surviving_keys(_subject(row.key_id) for row in rows if row.name)
    return {
        row.key_id: keys[_subject(row.key_id)].open(NAME, row.key_id, row.name)
        if row.name
        else row.prefix
        for row in rows
    }


def is_over(row: ApiKey) -> bool:
    """Whether a key opens nothing any more."""
    has_expired = row.expires_at is not None and row.expires_at <= utc_now()
    return has_expired or row.revoked_at is not None


def seconds_left(row: ApiKey, at_most: int) -> int:
    """How long a token of a key may live: no longer than the key."""
    if row.expires_at is None:
        return at_most
    return min(at_most, max(1, int((row.expires_at - utc_now()).total_seconds())))


def is_worth_noting(row: ApiKey) -> bool:
    """Whether the last use on record is old enough for a write."""
    return row.last_used_at is None or row.last_used_at < utc_now() - NOTED_EVERY


async def note_use(tx: Transaction, key_id: str) -> None:
    """Remember that a key was used about now."""
    row = await ApiKeyRepository(tx.session).get(key_id, for_update=True)
    row.last_used_at = utc_now()


def _subject(key_id: str) -> str:
    """Whose data key seals what a key is called: it belongs to the house, and to nobody in it."""
    return f"key:{key_id}"


def _hash(tx: Transaction, api_key: str) -> bytes:
    return tx.vault.blind("api_key", api_key)


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    symbols = ""
    for _ in range(CHECKSUM_SYMBOLS):
        number, place = divmod(number, len(SYMBOLS))
        symbols = SYMBOLS[place] + symbols
    return symbols
