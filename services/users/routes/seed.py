"""Seed 0's own paths, with their literal bodies (S0-16…18). Deprecated aliases."""

from functools import partial

from fastapi import Response

from libs.common.web.responses import Success, deprecated
from libs.common.web.routing import router
from libs.common.web.units import AnyVersion, Uow
from services.users.routes import users
from services.users.routes.deps import PasswordsPort, UserId, UserReader, UserWriter
from services.users.routes.seeing import Looks
from services.users.schemas.people import SeedUser, UserAppointed, UserCreate, UserRead, UserUpdate

routes = router(prefix="/api/users", tag="seed")

_deprecated = partial(deprecated, successor="/api/v1/users")


@routes.post("", status_code=201, response_model=Success[UserAppointed], deprecated=True)
async def appoint_seed_user(
    body: SeedUser, caller: UserWriter, uow: Uow, passwords: PasswordsPort
) -> Response:
    """Create a user the way seed 0 spells it; staff sign in with their phone number."""
    create = UserCreate(**body.model_dump())
    return _deprecated(await users.appoint(create, caller, uow, passwords))


@routes.get("/{user_id}", response_model=Success[UserRead], deprecated=True)
async def read_seed_user(user_id: UserId, caller: UserReader, uow: Uow, looks: Looks) -> Response:
    """One user, masked."""
    return _deprecated(await users.show(user_id, uow, looks))


@routes.put("/{user_id}", response_model=Success[UserRead], deprecated=True)
async def change_seed_user(
    user_id: UserId,
    body: SeedUser,
    caller: UserWriter,
    uow: Uow,
    looks: Looks,
    passwords: PasswordsPort,
    version: AnyVersion,
) -> Response:
    """Change a user; without `If-Match` the newest version is changed."""
    update = UserUpdate(**body.model_dump())
    return _deprecated(await users.apply(user_id, update, uow, looks, passwords, version))
