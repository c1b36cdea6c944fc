"""Everything a service holds on somebody, for their export: the one route every service has."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from libs.common.db.uow import Transaction
from libs.common.web.auth import Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow

Collect = Callable[[Transaction, int, Sequence[str]], Awaitable[dict[str, Any]]]
"""`(tx, user_id, cases)`: what is held on a person, and on these cases of theirs, by its name."""
UserId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Cases = Annotated[list[str], Query(max_length=1000)]


class Holding(Schema):
    """Everything one service holds on somebody."""

    held: dict[str, Any]


def holding_routes(collect: Collect) -> APIRouter:
    """The route that answers what `collect` finds."""
    routes = router(prefix="/internal/people", tag="internal")

    @routes.get("/{user_id}/export", response_model=Success[Holding])
    async def everything_held(
        user_id: UserId,
        _: Service,
        uow: Uow,
        case: Cases = [],  # noqa: B006 - read only
    ) -> Response:
        async with uow.read() as tx:
            held = await collect(tx, user_id, case)
        return answer(Success(data=Holding(held=held)))

    return routes
