"""What routes are handed besides the caller and the unit of work."""

from typing import Annotated

from fastapi import Depends, Request

from libs.common.cache import Cache
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import MIB, may
from services.grievance.clients import FilesClient, UsersClient
from services.grievance.settings import GrievanceSettings

Asker = Annotated[Principal, Depends(may(Permission.CATEGORY_READ))]
Filer = Annotated[
    Principal,
    Depends(may(Permission.CASE_FILE, body=15 * MIB, seconds=30.0, limit="filing")),
]
"""Whoever may file. Filing may carry photos."""

CaseLister = Annotated[Principal, Depends(may(Permission.CASE_READ, limit="list"))]
CaseReader = Annotated[Principal, Depends(may(Permission.CASE_READ, limit="poll"))]
CaseFollower = Annotated[Principal, Depends(may(Permission.CASE_TRACK, idempotent=True))]
CaseActor = Annotated[Principal, Depends(may(Permission.CASE_ACT))]
CaseMover = Annotated[Principal, Depends(may(Permission.CASE_MOVE))]
CaseCorrector = Annotated[Principal, Depends(may(Permission.CASE_CORRECT))]
NoteReader = Annotated[Principal, Depends(may(Permission.NOTE_READ))]
NoteWriter = Annotated[Principal, Depends(may(Permission.NOTE_WRITE))]


async def _users(request: Request) -> UsersClient:
    found: UsersClient = request.app.state.users
    return found


async def _files(request: Request) -> FilesClient:
    found: FilesClient = request.app.state.files
    return found


async def _settings(request: Request) -> GrievanceSettings:
    found: GrievanceSettings = request.app.state.settings
    return found


async def _cache(request: Request) -> Cache:
    found: Cache = request.app.state.cache
    return found


Users = Annotated[UsersClient, Depends(_users)]
Files = Annotated[FilesClient, Depends(_files)]
Settings = Annotated[GrievanceSettings, Depends(_settings)]
CachePort = Annotated[Cache, Depends(_cache)]
