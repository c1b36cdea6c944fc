"""API keys: `rdr_live_<8 of the id>_<43 symbols><6 of a checksum>`; only a hash is kept.

The prefix lets secret scanners and people recognise one, the checksum tells a mistyped key from an
unknown one without asking the database.
"""

import re
import secrets
import string
import zlib
from datetime import timedelta

from libs.common.clock import utc_now
from libs.common.contracts.users import ApiKeyRevoked
from libs.common.db.uow import Transaction
from libs.common.errors import Unauthenticated
from libs.common.ids import new_id
from services.users.domain.auditing import record
from services.users.models import Act, ApiKey
from services.users.repository import ApiKeyRepository

SYMBOLS = string.digits + string.ascii_letters
SECRET_SYMBOLS = 43
CHECKSUM_SYMBOLS = 6
NOTED_EVERY = timedelta(seconds=60)
_KEY = re.compile(rf"rdr_live_[0-9a-f]{{8}}_[0-9A-Za-z]{{{SECRET_SYMBOLS + CHECKSUM_SYMBOLS}}}")


class InvalidApiKey(Unauthenticated):
    """The key is malformed, unknown or revoked; which of them is not said."""

    code = "INVALID_API_KEY"


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
    tx: Transaction, *, name: str, scopes: list[str], allowed_addresses: list[str], by: str
) -> tuple[ApiKey, str]:
    """A new key: its row, and the key itself, which is seen this once."""
    key_id = new_id()
    api_key = new_key(key_id)
    row = ApiKey(
        key_id=key_id,
        name=name,
        scopes=scopes,
        allowed_addresses=allowed_addresses,
        prefix=api_key[:17],
        key_hash=_hash(tx, api_key),
        created_by=by,
        created_at=utc_now(),
    )
    tx.session.add(row)
    record(tx, Act.API_KEY_CREATED, by=by, about=f"key:{key_id}")
    return row, api_key


async def revoke(tx: Transaction, key_id: str, *, by: str) -> ApiKey:
    """Have a key open nothing any more; doing it twice is doing it once. Raises ApiKeyNotFound."""
    row = await ApiKeyRepository(tx.session).get(key_id, for_update=True)
    if row.revoked_at is None:
        row.revoked_at = utc_now()
        tx.publish(ApiKeyRevoked(key_id=key_id))
        record(tx, Act.API_KEY_REVOKED, by=by, about=f"key:{key_id}")
    return row


async def recognise(tx: Transaction, api_key: str) -> ApiKey:
    """The row of a key that holds. Raises InvalidApiKey."""
    row = await ApiKeyRepository(tx.session).by_hash(_hash(tx, check_form(api_key)))
    if row is None:
        raise InvalidApiKey("The API key does not hold.")
    return row


def is_worth_noting(row: ApiKey) -> bool:
    """Whether the last use on record is old enough for a write."""
    return row.last_used_at is None or row.last_used_at < utc_now() - NOTED_EVERY


async def note_use(tx: Transaction, key_id: str) -> None:
    """Remember that a key was used about now."""
    row = await ApiKeyRepository(tx.session).get(key_id, for_update=True)
    row.last_used_at = utc_now()


def _hash(tx: Transaction, api_key: str) -> bytes:
    return tx.vault.blind("api_key", api_key)


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    symbols = ""
    for _ in range(CHECKSUM_SYMBOLS):
        number, place = divmod(number, len(SYMBOLS))
        symbols = SYMBOLS[place] + symbols
    return symbols
