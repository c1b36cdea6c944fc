"""Erasing somebody, by themselves or by a supervisor: everywhere, and for good."""

from typing import Annotated

from fastapi import Depends, Query, Response

from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import may
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from services.users.domain import erasing
from services.users.routes.deps import ArchivesPort, UowPort, UserId, own_user_id
from services.users.routes.seeing import Looks
from services.users.schemas.exports import Erasure, ErasureIn

routes = router(prefix="/api/v1/users", tag="privacy")

SelfEraser = Annotated[Principal, Depends(may(Permission.SELF_ERASE))]
Eraser = Annotated[Principal, Depends(may(Permission.USER_ERASE))]


@routes.delete("/me", status_code=202, response_model=Success[Erasure])
async def erase_me(caller: SelfEraser, uow: UowPort, archives: ArchivesPort) -> Response:
    """Erase yourself: your data, your cases' words, your files, your conversations.

    It cannot be undone. The cases themselves go on, as cases of nobody. 409 for staff.
    """
    user_id = own_user_id(caller)
    async with uow.begin() as tx:
        await erasing.erase_self(tx, archives, caller, user_id)
    return answer(Success(data=Erasure(user_id=user_id)), status=202)


@routes.delete("/{user_id}", status_code=202, response_model=Success[Erasure])
async def erase_user(
    user_id: UserId,
    why: Annotated[ErasureIn, Query()],
    caller: Eraser,
    uow: UowPort,
    archives: ArchivesPort,
    looks: Looks,
) -> Response:
    """Erase somebody, for a reason that goes into the audit log. It cannot be undone."""
    await looks.see(user_id, to=Permission.USER_ERASE)
    async with uow.begin() as tx:
        await erasing.erase(tx, archives, user_id, by=caller, reason=why.reason)
    return answer(Success(data=Erasure(user_id=user_id)), status=202)
