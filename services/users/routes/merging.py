"""People who are in the vault twice: found, and made one."""

from typing import Annotated

from fastapi import Depends, Response

from libs.common.errors import Conflict
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import may
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.users.domain import merging
from services.users.domain.people import UserExists
from services.users.repository.people import UserRepository
from services.users.routes.deps import UserId, UserWriter
from services.users.routes.seeing import Looks, masked
from services.users.schemas.people import UserMerge, UserRead

routes = router(prefix="/api/v1", tag="users")


@routes.get("/users/{user_id}/duplicates", response_model=Success[list[UserRead]])
async def list_duplicates(
    user_id: UserId,
    caller: Annotated[Principal, Depends(may(Permission.USER_WRITE, limit="list"))],
    uow: Uow,
    looks: Looks,
) -> Response:
    """Others with the same e-mail address or national id, masked, as far as you may see them."""
    seen = await looks.see(user_id)
    async with uow.read() as tx:
        repository = UserRepository(tx.session)
        alike = await repository.alike(await repository.get(seen.user_id))
    visible = await looks.see_rows(alike)
    async with uow.read() as tx:
        items = [await masked(tx, user) for user in alike if user.user_id in visible]
    return answer(Success(data=items))


@routes.post("/users/{user_id}/merge", response_model=Success[UserRead])
async def merge_user(
    user_id: UserId, body: UserMerge, caller: UserWriter, uow: Uow, looks: Looks
) -> Response:
    """Have this person be `into_user_id` from now on. It cannot be undone.

    What the other lacks is taken over, the stricter preferences win, consents move with their
    dates. Here is nobody any more (404), but by phone, e-mail and national id the other is found.
    Staff cannot be merged, nor two who both proved a contact by a code (409 `CONTACT_PROVEN`).
    """
    await uow.replay()
    merging.check_two(user_id, body.into_user_id)
    seen = await looks.see_all(user_id, body.into_user_id, to=Permission.USER_WRITE)
    try:
        async with uow.begin() as tx:
            two = await merging.pair(tx, *(each.user_id for each in seen))
            survivor = await merging.merge(tx, two, reason=body.reason, by=caller)
            data = await masked(tx, survivor)
            return answer(Success(data=data), tx=tx, version=data.version)
    except Conflict as error:
        if type(error) is not Conflict:
            raise
        raise UserExists("Somebody took this phone number meanwhile. Try again.") from None
