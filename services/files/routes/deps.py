"""What routes are handed besides the caller and the unit of work."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from libs.common.principal import Principal
from libs.common.web.auth import GUEST, KIB, MIB, SERVICE
from services.files.clients.grievance import GrievanceClient
from services.files.clients.store import Store

OCTETS = "application/octet-stream"

Uploader = Annotated[
    Principal, Depends(replace(GUEST, body=15 * MIB, seconds=60.0, form=True, limit="upload"))
]
"""Whoever may send a file: everybody with any token."""

SeedUploader = Annotated[
    Principal,
    Depends(replace(GUEST, body=10 * MIB + 64 * KIB, seconds=60.0, form=True, limit="upload")),
]
Reader = Annotated[Principal, Depends(replace(GUEST, seconds=60.0))]
"""Whoever may read bytes, on a slow line."""

BytesService = Annotated[Principal, Depends(replace(SERVICE, body=15 * MIB, seconds=60.0))]
CopyingService = Annotated[
    Principal, Depends(replace(SERVICE, body=10 * MIB, seconds=60.0, media=OCTETS))
]


async def _store(request: Request) -> Store:
    found: Store = request.app.state.store
    return found


async def _cases(request: Request) -> GrievanceClient:
    found: GrievanceClient = request.app.state.cases
    return found


Bytes = Annotated[Store, Depends(_store)]
Cases = Annotated[GrievanceClient, Depends(_cases)]
