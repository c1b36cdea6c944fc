"""Personal data in plain text: asked for with a reason, written down, and then shown."""

from typing import Annotated

from fastapi import Depends, Query, Response

from libs.common.db.paging import Cursor
from libs.common.db.uow import UnitOfWork
from libs.common.permissions import Permission, Reach
from libs.common.principal import Principal
from libs.common.web.auth import may
from libs.common.web.responses import NOT_KEPT, Page, Success, answer
from libs.common.web.routing import PathId, router
from services.users.domain import people, preferring, revealing
from services.users.domain.revealing import QuotaReached, Wanted
from services.users.models import Reveal
from services.users.repository.people import UserNotFound, UserRepository
from services.users.repository.privacy import RevealRepository
from services.users.routes.deps import Settings, UowPort, UserId
from services.users.routes.seeing import Looks, Seen
from services.users.schemas.privacy import (
    PageQuery,
    RevealCreate,
    Revealed,
    RevealField,
    RevealRead,
)

routes = router(prefix="/api/v1", tag="reveals")
Revealer = Annotated[Principal, Depends(may(Permission.USER_REVEAL))]


@routes.post("/users/{user_id}/reveal", response_model=Success[Revealed])
async def reveal_user(
    user_id: UserId,
    body: RevealCreate,
    caller: Revealer,
    uow: UowPort,
    looks: Looks,
    settings: Settings,
) -> Response:
    """See what is kept of somebody in plain text, for one of the six reasons.

    Show it until `expires_at` (two minutes; one for restricted cases) and keep it nowhere. Each
    reveal is written down before it is answered, and there are only so many in a day (429).
    """
    reason = revealing.reason_of(body.reason)
    fields = tuple(dict.fromkeys(field.value for field in body.fields))
    try:
        seen = await looks.see(user_id, to=Permission.USER_REVEAL, grievance_id=body.grievance_id)
    except UserNotFound:
        await _refuse(uow, Wanted(user_id, reason, fields, None, is_restricted=False), caller)
        raise
    wanted = Wanted(user_id, reason, fields, body.grievance_id, seen.is_restricted)
    quota = revealing.quota_of(
        caller, standard=settings.reveals_a_day, seah=settings.seah_reveals_a_day
    )
    async with uow.begin() as tx:
        outcome = await revealing.ask(tx, wanted, by=caller, quota=quota)
    revealing.raise_alerts(outcome, user_id)
    if outcome.expires_at is None:
        raise QuotaReached("You have seen enough for a day. Ask whoever you work for.")
    data = Revealed(
        reveal_id=outcome.reveal_id,
        user_id=user_id,
        fields=await _plain(uow, seen, fields),
        expires_at=outcome.expires_at,
    )
    return answer(Success(data=data), headers=NOT_KEPT)


@routes.post("/reveals/{reveal_id}/close", response_model=Success[RevealRead])
async def close_reveal(reveal_id: PathId, caller: Revealer, uow: UowPort) -> Response:
    """Say that you look no more."""
    async with uow.begin() as tx:
        row = await revealing.close(tx, reveal_id, by=caller)
        return answer(Success(data=_read(row)))


@routes.get("/reveals", response_model=Success[Page[RevealRead]])
async def list_reveals(
    query: Annotated[PageQuery, Query()],
    caller: Annotated[Principal, Depends(may(Permission.REVEAL_READ, limit="list"))],
    uow: UowPort,
) -> Response:
    """Your own reveals, newest first; auditors see everybody's. What was shown is not kept."""
    after = Cursor.parse(query.cursor) if query.cursor else None
    everybodys = caller.reach(Permission.REVEAL_READ) is Reach.ALL
    async with uow.read() as tx:
        found = await RevealRepository(tx.session).page(
            caller.id, everybodys=everybodys, after=after, limit=query.limit
        )
    items = [_read(row) for row in found[: query.limit]]
    is_more = len(found) > query.limit
    cursor = str(Cursor(items[-1].asked_at, items[-1].reveal_id)) if is_more else None
    return answer(Success(data=Page(items=items, next_cursor=cursor)))


async def _refuse(uow: UnitOfWork, wanted: Wanted, caller: Principal) -> None:
    async with uow.begin() as tx:
        exists = await UserRepository(tx.session).find(wanted.user_id) is not None
        outcome = revealing.refuse(tx, wanted, by=caller, exists=exists)
    revealing.raise_alerts(outcome, wanted.user_id)


async def _plain(
    uow: UnitOfWork, seen: Seen, fields: tuple[str, ...]
) -> dict[RevealField, str | None]:
    """Read the sealed columns: only now, that it is in the database who is about to see them."""
    async with uow.read() as tx:
        user = await UserRepository(tx.session).get(seen.user_id)
        person = await people.opened(tx, user)
        wanted = await preferring.preferences_of(tx, user)
    return {
        field: wanted.code_word if field is RevealField.CODE_WORD else getattr(person, field.value)
        for field in map(RevealField, fields)
    }


def _read(row: Reveal) -> RevealRead:
    return RevealRead.model_validate(row)
