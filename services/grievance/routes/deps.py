"""What routes are handed besides the caller and the unit of work."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from libs.common.cache import Cache
from libs.common.principal import Principal
from libs.common.web.auth import GUEST, MIB
from services.grievance.clients import FilesClient, UsersClient
from services.grievance.settings import GrievanceSettings

Filer = Annotated[Principal, Depends(replace(GUEST, body=15 * MIB, seconds=30.0, limit="filing"))]
"""Whoever may file: everybody with any token. Filing may carry photos."""


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
