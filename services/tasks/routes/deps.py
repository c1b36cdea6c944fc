"""What routes are handed besides the caller and the unit of work."""

from typing import Annotated

from fastapi import Depends, Request

from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import may
from services.tasks.clients.owners import OwnersClient

TaskLister = Annotated[Principal, Depends(may(Permission.TASK_LIST, limit="list"))]
TaskCounter = Annotated[Principal, Depends(may(Permission.TASK_LIST))]
TaskWaiter = Annotated[Principal, Depends(may(Permission.TASK_READ, seconds=40.0, limit="poll"))]
TaskManager = Annotated[Principal, Depends(may(Permission.TASK_MANAGE))]


async def _owners(request: Request) -> OwnersClient:
    found: OwnersClient = request.app.state.owners
    return found


Owners = Annotated[OwnersClient, Depends(_owners)]
