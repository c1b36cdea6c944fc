"""Roles on the wire."""

from typing import Annotated

from pydantic import Field

from libs.common.permissions import Permission, Reach
from libs.common.principal import Role
from libs.common.web.responses import Schema
from services.users.schemas.fields import RoleShown


class PermissionRead(Schema):
    permission: Permission = Field(examples=["case:read"])
    reach: Reach = Field(examples=["scope"])


class RoleRead(Schema):
    """What a role may do, how somebody who has it signs in, and who appoints them."""

    role: RoleShown
    level: str = Field(examples=["staff"])
    is_staff: bool = Field(examples=[True])
    permissions: list[PermissionRead]
    second_factor_required: bool = Field(examples=[True])
    appointed_by: Annotated[list[Role], Field(examples=[["super_admin"]])]
