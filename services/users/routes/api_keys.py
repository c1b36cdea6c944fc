"""API keys: made, listed, revoked; and exchanged for a token by the gateway."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import Query, Response

from libs.common.db.paging import Cursor
from libs.common.db.uow import Transaction
from libs.common.principal import Role
from libs.common.web.auth import Service
from libs.common.web.responses import NOT_KEPT, Page, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.users.domain import api_keys
from services.users.models import ApiKey
from services.users.repository.keys import ApiKeyRepository
from services.users.routes.deps import KeyId, KeyManager, SignerPort, UowPort
from services.users.schemas.keys import (
    ApiKeyCreate,
    ApiKeyCreated,
    ApiKeyExchange,
    ApiKeyListQuery,
    ApiKeyRead,
    ApiKeyRotate,
    ApiKeyToken,
)

routes = router(tag="api keys")
TOKEN_SECONDS = 370
"""A minute the gateway asks for no other, five more for when we are away, and time for a call."""


@routes.post("/api/v1/api-keys", status_code=201, response_model=Success[ApiKeyCreated])
async def create_api_key(body: ApiKeyCreate, caller: KeyManager, uow: UowPort) -> Response:
    """Make a key for a program of somebody else.

    The key is in this answer and nowhere else; nothing of it is kept for a repetition, so an
    Idempotency-Key does nothing here.
    """
    async with uow.begin() as tx:
        row, api_key = await api_keys.create(
            tx,
            name=body.name,
            scopes=list(body.scopes),
            allowed_addresses=list(body.allowed_addresses),
            by=caller.id,
            expires_at=body.expires_at,
        )
        [read] = await _read(tx, [row])
    data = ApiKeyCreated(**read.model_dump(), api_key=api_key)
    return answer(Success(data=data), status=201, headers=NOT_KEPT)


@routes.post(
    "/api/v1/api-keys/{key_id}/rotate", status_code=201, response_model=Success[ApiKeyCreated]
)
async def rotate_api_key(
    key_id: KeyId, body: ApiKeyRotate, caller: KeyManager, uow: UowPort
) -> Response:
    """A new key for an old one: same name, scopes and addresses. The old one expires after a while.

    409 API_KEY_ALREADY_ROTATED with the `key_id` of its successor when it has one.
    The key is in this answer and nowhere else; nothing of it is kept for a repetition, so an
    Idempotency-Key does nothing here.
    """
    overlap = timedelta(seconds=body.overlap_seconds)
    async with uow.begin() as tx:
        row, api_key = await api_keys.rotate(tx, key_id, overlap=overlap, by=caller.id)
        [read] = await _read(tx, [row])
    data = ApiKeyCreated(**read.model_dump(), api_key=api_key)
    return answer(Success(data=data), status=201, headers=NOT_KEPT)


@routes.get("/api/v1/api-keys", response_model=Success[Page[ApiKeyRead]])
async def list_api_keys(
    query: Annotated[ApiKeyListQuery, Query()], caller: KeyManager, uow: Uow
) -> Response:
    """Every key, newest first, revoked ones too: what it is called, and when it was last used."""
    after = Cursor.parse(query.cursor) if query.cursor else None
    async with uow.read() as tx:
        found = await ApiKeyRepository(tx.session).page(after=after, limit=query.limit)
        items = await _read(tx, found[: query.limit])
    is_more = len(found) > query.limit
    cursor = str(Cursor(items[-1].created_at, items[-1].key_id)) if is_more else None
    return answer(Success(data=Page(items=items, next_cursor=cursor)))


@routes.delete("/api/v1/api-keys/{key_id}", response_model=Success[ApiKeyRead])
async def revoke_api_key(key_id: KeyId, caller: KeyManager, uow: Uow) -> Response:
    """Revoke a key. It stays in the list; it opens nothing any more."""
    async with uow.begin() as tx:
        row = await api_keys.revoke(tx, key_id, by=caller.id)
        [read] = await _read(tx, [row])
        return answer(Success(data=read))


@routes.post("/internal/api-keys/exchange", response_model=Success[ApiKeyToken])
async def exchange_api_key(
    body: ApiKeyExchange, caller: Service, uow: Uow, signer: SignerPort
) -> Response:
    """A short token for the holder of a key. 401 INVALID_API_KEY for any other text."""
    async with uow.read() as tx:
        row = await api_keys.recognise(tx, body.api_key)
    if api_keys.is_worth_noting(row):
        async with uow.begin() as tx:
            await api_keys.note_use(tx, row.key_id)
    seconds = api_keys.seconds_left(row, TOKEN_SECONDS)
    token = signer.sign(
        f"key:{row.key_id}",
        Role.API_CLIENT,
        seconds=seconds,
        scopes=row.scopes,
        session=row.key_id,
    )
    data = ApiKeyToken(
        access_token=token,
        expires_in=seconds,
        key_id=row.key_id,
        scopes=row.scopes,
        allowed_addresses=row.allowed_addresses,
    )
    return answer(Success(data=data))


async def _read(tx: Transaction, rows: Sequence[ApiKey]) -> list[ApiKeyRead]:
    names = await api_keys.names_of(tx, rows)
    plain = ApiKeyRead.model_fields.keys() - {"name"}
    return [
        ApiKeyRead(name=names[row.key_id], **{field: getattr(row, field) for field in plain})
        for row in rows
    ]
