"""What people agreed to, and took back."""

from typing import Annotated

from fastapi import Depends, Query, Response

from libs.common.db.paging import Cursor
from libs.common.db.uow import Transaction
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import may
from libs.common.web.responses import Page, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.users.domain import consenting
from services.users.models import Consent
from services.users.repository.privacy import ConsentRepository
from services.users.routes.deps import UserId, UserReader
from services.users.routes.seeing import Looks, myself
from services.users.schemas.privacy import (
    ConsentCreate,
    ConsentFor,
    ConsentRead,
    Consents,
    PageQuery,
)

routes = router(prefix="/api/v1", tag="consents")
Consenter = Annotated[Principal, Depends(may(Permission.CONSENT_WRITE))]


@routes.get("/users/me/consents", response_model=Success[Consents])
async def read_my_consents(
    query: Annotated[PageQuery, Query()],
    caller: Annotated[Principal, Depends(may(Permission.SELF_READ, limit="list"))],
    uow: Uow,
) -> Response:
    """What you agreed to, as it holds now, and everything you ever said of it."""
    async with uow.read() as tx:
        data = await _of(tx, (await myself(tx, caller)).user_id, query)
    return answer(Success(data=data))


@routes.post("/users/me/consents", status_code=201, response_model=Success[ConsentRead])
async def say_consent(body: ConsentCreate, caller: Consenter, uow: Uow) -> Response:
    """Agree to something, or take it back. What you said before stays written down."""
    async with uow.begin() as tx:
        user = await myself(tx, caller, for_update=True)
        row = await consenting.say(
            tx,
            user,
            body.purpose,
            is_given=body.is_given,
            text_version=body.text_version,
            by=caller,
            reason=None,
        )
        return answer(Success(data=_read(row)), tx=tx, status=201)


@routes.get("/users/{user_id}/consents", response_model=Success[Consents])
async def read_consents(
    user_id: UserId,
    query: Annotated[PageQuery, Query()],
    caller: UserReader,
    uow: Uow,
    looks: Looks,
) -> Response:
    """What somebody agreed to, as it holds now, and everything they ever said of it."""
    seen = await looks.see(user_id)
    async with uow.read() as tx:
        data = await _of(tx, seen.user_id, query)
    return answer(Success(data=data))


@routes.post("/users/{user_id}/consents", status_code=201, response_model=Success[ConsentRead])
async def record_consent(
    user_id: UserId, body: ConsentFor, caller: Consenter, uow: Uow, looks: Looks
) -> Response:
    """Write down what somebody told you they agree to, with the `reason` you know it by."""
    await uow.replay()
    seen = await looks.see(user_id, to=Permission.CONSENT_WRITE)
    async with uow.begin() as tx:
        row = await consenting.say(
            tx,
            await looks.again(tx, seen),
            body.purpose,
            is_given=body.is_given,
            text_version=body.text_version,
            by=caller,
            reason=body.reason,
        )
        return answer(Success(data=_read(row)), tx=tx, status=201)


async def _of(tx: Transaction, user_id: int, query: PageQuery) -> Consents:
    repository = ConsentRepository(tx.session)
    after = Cursor.parse(query.cursor) if query.cursor else None
    found = await repository.page(user_id, after=after, limit=query.limit)
    items = [_read(row) for row in found[: query.limit]]
    is_more = len(found) > query.limit
    cursor = str(Cursor(items[-1].at, items[-1].consent_id)) if is_more else None
    return Consents(
        current=[_read(row) for row in await repository.latest(user_id)],
        history=Page(items=items, next_cursor=cursor),
    )


def _read(row: Consent) -> ConsentRead:
    return ConsentRead.model_validate(row)
