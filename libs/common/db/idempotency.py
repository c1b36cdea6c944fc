"""Doing a thing once, however often it is asked: the Idempotency-Key row.

The key is claimed by the first statement of the transaction that does the work, and the reply is
stored in it. So a second caller with the same key waits for the first and gets its reply, and a
crash leaves either both or neither.

A reply is sealed with the keyring, and within that with the key of every subject its transaction
had in hand: erasing somebody erases what was answered about them, whoever asked.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.clock import utc_now
from libs.common.crypto.keyring import ServiceKeys
from libs.common.crypto.sealing import SubjectKey
from libs.common.db.base import Ground
from libs.common.db.vault import Vault
from libs.common.db.writes import changed, insert_new
from libs.common.errors import AppError, Invalid

KEPT = timedelta(hours=24)
_PLACE = "idempotency_keys.reply"


class KeyReused(Invalid):
    """The key was used for another request; the same key means the same request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class ReplyErased(AppError):
    """This was done before; what was answered then was about somebody who is erased by now."""

    status = HTTPStatus.GONE
    code = "REPLY_ERASED"


@dataclass(frozen=True, slots=True)
class Request:
    """What makes a request the same one: who, what, the key they gave, and the body."""

    key: str
    fingerprint: bytes

    @classmethod
    def of(cls, *, caller: str, route: str, key: str, body: bytes) -> "Request":
        """Keys of different callers or routes never meet."""
        name = hashlib.sha256(f"{caller}\0{route}\0{key}".encode()).hexdigest()
        return cls(name, hashlib.sha256(body).digest())


@dataclass(frozen=True, slots=True)
class Reply:
    """A stored answer."""

    status: int
    body: bytes


class Replay(Exception):
    """This request was answered before; `reply` is that answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("answered before")
        self.reply = reply


async def claim(session: AsyncSession, ground: Ground, keys: ServiceKeys, request: Request) -> None:
    """Claim `request` for this transaction. Raises Replay or KeyReused."""
    is_new = await insert_new(
        session,
        ground.idempotency_keys,
        key=request.key,
        fingerprint=_fingerprint(keys, request),
        created_at=utc_now(),
    )
    if not is_new:
        await replay(session, ground, keys, request)


async def replay(
    session: AsyncSession, ground: Ground, keys: ServiceKeys, request: Request
) -> None:
    """Raise Replay or KeyReused if `request` was answered before."""
    table = ground.idempotency_keys
    query = select(table.c.fingerprint, table.c.status, table.c.reply)
    row = (await session.execute(query.where(table.c.key == request.key))).one_or_none()
    if row is None:
        return
    if row.fingerprint != _fingerprint(keys, request):
        raise KeyReused("This Idempotency-Key was used for another request.")
    if row.reply is not None:
        sealed = keys.unwrap(row.reply, aad=_aad(request))
        vault = Vault(session, ground, keys, lambda _: None)
        raise Replay(Reply(row.status, await _opened(vault, request, sealed)))


async def store(
    session: AsyncSession,
    ground: Ground,
    keys: ServiceKeys,
    request: Request,
    reply: Reply,
    about: Mapping[str, SubjectKey],
) -> None:
    """Keep `reply`, sealed for the subjects it is `about`, for whoever asks with the same key."""
    table = ground.idempotency_keys
    sealed = keys.wrap(_sealed(about, request, reply.body), aad=_aad(request))
    statement = update(table).where(table.c.key == request.key)
    await session.execute(statement.values(status=reply.status, reply=sealed))


async def forget(session: AsyncSession, ground: Ground) -> int:
    """Forget replies older than KEPT: a key means the same request for that long and no longer."""
    table = ground.idempotency_keys
    return await changed(session, delete(table).where(table.c.created_at < utc_now() - KEPT))


def _fingerprint(keys: ServiceKeys, request: Request) -> bytes:
    """Keyed: a body may hold a password or a phone, and a bare hash of it could be guessed at."""
    return keys.blind("idempotency_keys.fingerprint", request.fingerprint.hex())


def _sealed(about: Mapping[str, SubjectKey], request: Request, body: bytes) -> bytes:
    """The names of the subjects, and the reply sealed with the key of one after the other."""
    for subject in sorted(about):
        body = about[subject].seal_bytes(_PLACE, request.key, body)
    return json.dumps(sorted(about)).encode() + b"\n" + body


async def _opened(vault: Vault, request: Request, sealed: bytes) -> bytes:
    head, _, body = sealed.partition(b"\n")
    subjects = json.loads(head)
    keys = await vault.surviving_keys(subjects)
    if len(keys) < len(subjects):
        raise ReplyErased("This was done. What was answered about somebody erased is gone.")
    for subject in reversed(subjects):
        body = keys[subject].open_bytes(_PLACE, request.key, body)
    return body


def _aad(request: Request) -> str:
    return f"{_PLACE}.{request.key}"
