"""What routes are handed besides the caller and the unit of work."""

from typing import Annotated

from fastapi import Depends, Request

from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import KIB, MIB, may
from services.files.clients.grievance import GrievanceClient
from services.files.clients.store import Store

OCTETS = "application/octet-stream"

Uploader = Annotated[
    Principal,
    Depends(may(Permission.FILE_WRITE, body=15 * MIB, seconds=60.0, form=True, limit="upload")),
]
SeedUploader = Annotated[
    Principal,
    Depends(
        may(
            Permission.FILE_WRITE,
            body=10 * MIB + 64 * KIB,
            seconds=60.0,
            form=True,
            limit="upload",
        )
    ),
]
FileReader = Annotated[Principal, Depends(may(Permission.FILE_READ, limit="poll"))]
BytesReader = Annotated[Principal, Depends(may(Permission.FILE_READ, seconds=60.0))]
"""Whoever reads bytes, on a slow line."""

FileDeleter = Annotated[Principal, Depends(may(Permission.FILE_DELETE))]
BytesService = Annotated[Principal, Depends(may(Permission.INTERNAL, body=15 * MIB, seconds=60.0))]
CopyingService = Annotated[
    Principal, Depends(may(Permission.INTERNAL, body=10 * MIB, seconds=60.0, media=OCTETS))
]


async def _store(request: Request) -> Store:
    found: Store = request.app.state.store
    return found


async def _cases(request: Request) -> GrievanceClient:
    found: GrievanceClient = request.app.state.cases
    return found


Bytes = Annotated[Store, Depends(_store)]
Cases = Annotated[GrievanceClient, Depends(_cases)]
