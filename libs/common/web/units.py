"""The door from a request to its transaction: `Uow`, `IfMatch`.

`async with uow.begin() as tx:` claims the Idempotency-Key, if one came; `answer(…, tx=tx)` keeps
the reply with it; leaving the block commits.
"""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Header, Request

from libs.common.db.idempotency import Request as IdempotentRequest
from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.errors import BadRequest, StaleVersion, VersionRequired

FORM = "multipart/form-data"
Keyed = Callable[[str], IdempotentRequest]
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG = re.compile(r'"(\d{1,9})"')


class InvalidIdempotencyKey(BadRequest):
    """The key is empty, too long, or not plain ASCII."""

    code = "IDEMPOTENCY_KEY_INVALID"


class RequestUnit:
    """The unit of work of one request."""

    def __init__(
        self, uow: UnitOfWork, request: IdempotentRequest | None, keyed: "Keyed | None" = None
    ) -> None:
        self._uow = uow
        self._request = request
        self._keyed = keyed

    def keyed(self, key: str) -> "RequestUnit":
        """This unit, with `key` for an Idempotency-Key unless the request brought its own."""
        if self._request or self._keyed is None:
            return self
        return RequestUnit(self._uow, self._keyed(key))

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """A transaction that claims this request's key. Raises Replay, KeyReused."""
        async with self._uow.begin(request=self._request) as tx:
            yield tx

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A transaction that only looks."""
        async with self._uow.read() as tx:
            yield tx

    async def replay(self) -> None:
        """Raise Replay if this request was answered: call it before asking a peer anything."""
        if self._request:
            await self._uow.replay(self._request)

    @property
    def key(self) -> str | None:
        """A name for this request that repeating it repeats; None without a key."""
        return self._request.key if self._request else None


async def request_unit(request: Request) -> RequestUnit:
    """The unit of work of `request`, bound to its Idempotency-Key."""
    if request.method != "POST" or FORM in request.headers.get("content-type", ""):
        return RequestUnit(request.app.state.uow, None)
    return unit_of(request, await request.body())


def unit_of(request: Request, body: bytes) -> RequestUnit:
    """The same for a body that was read already: what makes two of them one and the same."""
    uow: UnitOfWork = request.app.state.uow
    state = request.scope["state"]

    def keyed(key: str) -> IdempotentRequest:
        return IdempotentRequest.of(
            caller=state["principal"].id, route=state["route"], key=key, body=body
        )

    key = request.headers.get("idempotency-key")
    if key is None:
        return RequestUnit(uow, None, keyed)
    if not _KEY.fullmatch(key):
        raise InvalidIdempotencyKey("An Idempotency-Key is 1 to 255 visible ASCII characters.")
    return RequestUnit(uow, keyed(key))


Uow = Annotated[RequestUnit, Depends(request_unit)]


async def if_match(if_match: Annotated[str | None, Header()] = None) -> int | None:
    """The version the caller read, or None when the header is absent. Raises StaleVersion."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = _ETAG.fullmatch(if_match.strip())
    if not match:
        raise StaleVersion("If-Match does not name a version of this.")
    return int(match[1])


async def required_if_match(version: Annotated[int | None, Depends(if_match)]) -> int:
    """The version the caller read. Raises VersionRequired without one."""
    if version is None:
        raise VersionRequired("Say which version you edit: send If-Match with its ETag.")
    return version


AnyVersion = Annotated[int | None, Depends(if_match)]
IfMatch = Annotated[int, Depends(required_if_match)]


def check_version(current: int, wanted: int | None) -> None:
    """Raises StaleVersion unless `wanted` is the `current` version, or nobody asked."""
    if wanted is not None and wanted != current:
        raise StaleVersion("It was changed since you read it.", current=current)
