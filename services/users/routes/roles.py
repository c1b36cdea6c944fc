"""Who may do what: the table of permissions, for whoever has to know it."""

from fastapi import Response

from libs.common.permissions import GRANTS
from libs.common.principal import Role
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from services.users.domain.second_factor import is_required
from services.users.domain.staffing import appointed_by
from services.users.routes.deps import RoleReader, Settings
from services.users.schemas.roles import PermissionRead, RoleRead

routes = router(prefix="/api/v1", tag="users")


@routes.get("/roles", response_model=Success[list[RoleRead]])
async def list_roles(caller: RoleReader, settings: Settings) -> Response:
    """What each role may do, and how far: `own` rows, those in `scope`, or `all`.

    Guests and API keys are roles nobody is appointed to; a key has what its scopes name of it.
    """
    rows = [
        RoleRead(
            role=role,
            level=role.level.name.lower(),
            is_staff=role.is_staff,
            permissions=[
                PermissionRead(permission=permission, reach=reach)
                for permission, reach in sorted(GRANTS[role].items())
            ],
            second_factor_required=is_required(role, settings),
            appointed_by=sorted(appointed_by(role)),
        )
        for role in Role
        if role is not Role.SERVICE
    ]
    return answer(Success(data=rows))
